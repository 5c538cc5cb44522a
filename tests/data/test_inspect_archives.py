"""Inspect's `.eval` archives: the same rows as the tool's own JSON, and sentences for damaged and hostile ones."""

import sys
import zipfile
from pathlib import Path

import pytest

import interp
from interp.data import inspect_archives

FOLDER = Path(__file__).parents[1] / "fixtures" / "logs"
NAMES = ("inspect_one", "inspect_two", "inspect_thinking")
FIRST = "samples/q0000_epoch_1.json"


def rows_of(path):
    options = {"columns": {"correct": "includes"}} if "two" in Path(path).name else {}
    return interp.load_rows(path, **options)


@pytest.fixture
def archive(tmp_path):
    """An archive in the compression that every Python reads."""

    def write(entries, compression=zipfile.ZIP_DEFLATED):
        path = tmp_path / "log.eval"
        with zipfile.ZipFile(path, "w", compression) as file:
            for name, text in entries.items():
                file.writestr(name, text)
        return path

    return write


def entries(name="inspect_one"):
    """What stands in an archive of the tool, read entry by entry."""
    path = FOLDER / f"{name}.eval"
    with path.open("rb") as file, zipfile.ZipFile(file) as found:
        read = inspect_archives._Entries(path, file, found)
        return {entry.filename: inspect_archives.json.dumps(read(entry)) for entry in found.infolist()}


@pytest.mark.parametrize("name", NAMES)
def test_an_archive_gives_the_rows_of_the_json(name):
    packed, plain = rows_of(FOLDER / f"{name}.eval"), rows_of(FOLDER / f"{name}.json")
    without = [[getattr(row, field) for field in vars(row) if field != "source"] for row in packed]
    assert without == [[getattr(row, field) for field in vars(row) if field != "source"] for row in plain]
    assert packed.read_as == plain.read_as and packed[0].source.endswith(".eval:samples/q0000_epoch_1.json")


@pytest.mark.parametrize("name", NAMES)
def test_no_archive_names_a_machine(name):
    text = " ".join(entries(name).values())
    assert not any(word in text for word in ("/home/", "/root", "/tmp", "/work", "hostname", "site-packages"))


def test_the_tool_packs_as_old_pythons_do_not_read():
    with zipfile.ZipFile(FOLDER / "inspect_one.eval") as file:
        assert {entry.compress_type for entry in file.infolist()} == {inspect_archives.ZSTANDARD}


def test_other_compressions_are_read_too(archive):
    for compression in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2):
        assert len(interp.load_rows(archive(entries(), compression))) == 6


def test_a_run_that_was_broken_off_has_its_samples(archive):
    kept = {name: text for name, text in entries().items() if name != "header.json"}
    assert len(interp.load_rows(archive(kept))) == 6


@pytest.mark.skipif(hasattr(zipfile, "ZIP_ZSTANDARD"), reason="this Python reads it itself")
def test_without_pyarrow_the_way_out_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(interp.DataError, match="needs pyarrow .*inspect log convert"):
        interp.load_rows(FOLDER / "inspect_one.eval")


def test_an_entry_that_unpacks_to_too_much_is_refused(archive, monkeypatch):
    monkeypatch.setattr(inspect_archives, "LARGEST_ENTRY", 5_000)
    bomb = {**entries(), FIRST: "[" + "0," * 500_000 + "0]"}
    with pytest.raises(interp.DataError, match="q0000_epoch_1.json: unpacks to more than"):
        interp.load_rows(archive(bomb))
    monkeypatch.setattr(inspect_archives, "LARGEST_ENTRY", 500)
    with pytest.raises(interp.DataError, match="unpacks to more than"):
        interp.load_rows(FOLDER / "inspect_one.eval")
    monkeypatch.setattr(inspect_archives, "LARGEST_WHOLE", 5_000)
    with pytest.raises(interp.DataError, match=r"inspect_one.eval: unpacks to more than"):
        interp.load_rows(FOLDER / "inspect_one.eval")


def test_paths_in_an_archive_are_names_only(archive, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    path = archive({**entries(), "samples/../../escaped.json": entries()[FIRST].replace('"q0000"', '"q9999"')})
    assert interp.load_rows(path)[-1].id == "q9999"
    assert sorted(tmp_path.rglob("*")) == [*before, path]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"header.json": None, "_journal/start.json": None}, "has no header.json"),
        ({FIRST: "{"}, "q0000_epoch_1.json: not JSON"),
        ({FIRST: "[" * 100_000}, "q0000_epoch_1.json: not JSON"),
        ({FIRST: "[]"}, "q0000_epoch_1.json: not as Inspect writes it: expected a sample with id and epoch"),
        ({"header.json": "3"}, None),
    ],
)
def test_what_is_no_log_is_refused(archive, changes, sentence):
    path = archive({name: text for name, text in {**entries(), **changes}.items() if text is not None})
    if sentence is None:
        assert len(interp.load_rows(path)) == 6
        return
    with pytest.raises(interp.DataError, match=f"log.eval.*{sentence}"):
        interp.load_rows(path)


def test_an_archive_without_samples_says_so(archive):
    with pytest.raises(interp.DataError, match="the log holds no samples"):
        interp.load_rows(archive({name: text for name, text in entries().items() if "samples/" not in name}))


@pytest.mark.parametrize("packed", [True, False])
def test_damage_anywhere_gives_rows_or_a_sentence(archive, tmp_path, packed):
    whole = (FOLDER / "inspect_one.eval").read_bytes() if packed else archive(entries()).read_bytes()
    path, refused = tmp_path / "damaged.eval", 0
    damaged = [whole[:end] for end in range(0, len(whole), 977)]
    damaged += [whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :] for at in range(0, len(whole), 61)]
    for text in damaged:
        path.write_bytes(text)
        try:
            interp.load_rows(path)
        except interp.DataError as error:
            assert "damaged.eval" in str(error)
            refused += 1
    assert refused > len(damaged) // 2


def test_an_entry_that_says_it_is_longer_than_the_file_takes_no_memory(tmp_path):
    content = bytearray((FOLDER / "inspect_one.eval").read_bytes())
    at = -1
    while (at := content.find(b"PK\x01\x02", at + 1)) >= 0:  # the directory: bytes 20 to 23 are the packed size
        content[at + 20 : at + 24] = (2**31).to_bytes(4, "little")
    path = tmp_path / "lying.eval"
    path.write_bytes(content)
    with pytest.raises(interp.errors.DataError, match="says it is longer than the file"):
        interp.load_rows(path)
