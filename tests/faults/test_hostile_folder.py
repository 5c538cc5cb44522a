"""A run's folder or a probe from a stranger: refused in one sentence, nothing outside it is read or written, no memory."""

import json
import os
import resource
import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from moments import in_child

import interp
from interp.command.cli import main
from interp.demo import planted
from interp.errors import DataError, InterpError, RunError
from interp.reporting.section import Section, read_sections
from interp.reporting.section_page import page_html
from interp.runs.lock import locked
from interp.storing.shard_io import ShardReader

pytestmark = pytest.mark.usefixtures("as_users_run_it")  # else the tests' own types refuse it before we do

DEEP = "[" * 10**6 + "]" * 10**6
SECRET = "this is not the run's"


@pytest.fixture
def folder(unbroken, tmp_path) -> Path:
    return Path(shutil.copytree(unbroken, tmp_path / "run"))


@pytest.fixture
def secret(tmp_path) -> Path:
    """A file of the user's, beside the run."""
    (tmp_path / "secret.svg").write_text(SECRET)
    return tmp_path / "secret.svg"


def change(path: Path, **entries) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | entries))


def huge(path: Path, size: int) -> None:
    """A file that says it is as large, and takes no room on the disk."""
    path.unlink(missing_ok=True)
    with path.open("wb") as file:
        file.truncate(size)


# Links and pipes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["report.html", ".report.html.tmp", ".lock.json", "figures/probe_grid.png", "grid.csv"]
)
def test_nothing_is_written_through_a_link(capsys, folder, secret, name) -> None:
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to(secret)
    for command in ("report", "resume", "status", "verify"):
        assert main([command, str(folder)]) == 2
        said = capsys.readouterr().err.strip().splitlines()[-1]
        assert f"{folder / name}: a link that leads out of the folder, to '{secret}'; nothing was read" in said
    with pytest.raises(RunError, match="leads out"), locked(folder):
        pytest.fail("the folder was worked on")
    assert secret.read_text() == SECRET


@pytest.mark.parametrize("name", ["activations", "experiments"])
def test_no_folder_outside_is_read(folder, tmp_path, name) -> None:
    shutil.rmtree(folder / name, ignore_errors=True)
    (folder / name).symlink_to(tmp_path)
    for act in (interp.open_run, interp.resume, interp.grid_table):
        with pytest.raises(RunError, match=f"{name}: a link that leads out of the folder"):
            act(folder)


def test_the_folder_may_be_a_link_and_hold_links_to_itself(folder, tmp_path) -> None:
    (tmp_path / "elsewhere").symlink_to(folder)
    (folder / "figures" / "best.png").symlink_to(folder / "figures" / "probe_grid.png")
    (folder / "same.csv").symlink_to("grid.csv")
    assert interp.open_run(tmp_path / "elsewhere").verify() == []


@pytest.mark.parametrize("name", ["samples.jsonl", "figures/pipe"])
def test_a_pipe_is_not_waited_for(folder, name) -> None:
    (folder / name).unlink(missing_ok=True)
    os.mkfifo(folder / name)
    with pytest.raises(RunError, match=f"{name}: neither a file nor a folder; nothing was read"):
        interp.open_run(folder)


# Manifests ------------------------------------------------------------------------------------------------------------

RECORDS = {
    "nested": (DEEP, "nested too deeply"),
    "nested a little": ("[" * 100 + "]" * 100, "nested too deeply"),
    "a number without an end": ('{"state": ' + "9" * 10**6 + "}", "a number of 1000000 digits"),
    "a key twice": ('{"state": "done", "state": "done"}', "'state' stands twice"),
}


@pytest.mark.parametrize("name", RECORDS)
@pytest.mark.parametrize("file", ["run.json", "samples.jsonl", "comparison.json", "experiments/own.json"])
def test_json_that_interp_never_wrote(folder, file, name) -> None:
    content, said = RECORDS[name]
    (folder / "experiments").mkdir(exist_ok=True)
    (folder / file).write_text(content)
    with pytest.raises(RunError, match=said):
        run = interp.open_run(folder)
        all((run.samples, run.comparison, read_sections(folder / "experiments")))


@pytest.mark.parametrize("file", ["run.json", "comparison.json", "activations/shard-00000.json", "grid.csv"])
def test_a_huge_file_is_not_read(folder, file) -> None:
    huge(folder / file, 1 << 40)
    with pytest.raises(RunError, match=r"1099511627776 bytes, such a file at most|damaged: its marker cannot be read"):
        run = interp.open_run(folder)
        [run.comparison, run.table(), run.capture]


def test_a_huge_line_is_not_read(folder) -> None:
    huge(folder / "samples.jsonl", 1 << 40)
    with pytest.raises(RunError, match="line 1 has more than 33554432 bytes"):
        interp.open_run(folder).samples  # noqa: B018


LINES = {
    "prompt_ids": ["a", [1.5], [-1], [2**31], [True], None],
    "completion_ids": [{}, [[1]]],
    "positions": [[], {"last_q": "x"}, {"last_q": [1]}, {"last_q": 10**12}],
    "correct": [1, "yes"],
    "id": [None, 3],
    "question": [["a"]],
    "logprobs": [["x"], 1],
    "exact_answer_tokens": [[1], [1, 2, 3], ["a", "b"], [-1, 2]],
    "fold": ["0", -1, 1.5],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in LINES.items() for value in values])
def test_a_line_of_samples_with_something_else(folder, name, value) -> None:
    lines = (folder / "samples.jsonl").read_text().splitlines()
    lines[1] = json.dumps(json.loads(lines[1]) | {name: value})
    (folder / "samples.jsonl").write_text("\n".join(lines) + "\n")
    with pytest.raises(RunError, match=f"line 2: {name} is not what interp writes there"):
        interp.open_run(folder).samples  # noqa: B018


def test_a_record_that_does_not_fit_is_a_sentence(folder) -> None:
    change(folder / "run.json", counts="many", seconds={"answering": []}, notes=[3])
    for act in (interp.Run.status, lambda run: interp.running.analysis.redraw(run)):
        with pytest.raises(RunError, match="its files are not as interp writes them, or do not belong together"):
            act(interp.open_run(folder))
    change(folder / "run.json", settings={"folds": 3}, counts={}, seconds={}, notes=[])
    with pytest.raises(RunError, match="settings of a run are not as interp writes them"):
        interp.resume(folder)


# Sections -------------------------------------------------------------------------------------------------------------


def section(name: str = "own", picture: str = "own", **entries) -> str:
    values = {"name": name, "title": "t", "sentences": ["s"], "tables": [], "settings": {}, "run": None}
    return json.dumps(values | {"pictures": [{"name": picture, "caption": "c", "wide": False}]} | entries)


@pytest.mark.parametrize("name", ["../../secret", "/etc/passwd", "..", "a/b", "a\\b", "", ".hidden", "c:x", "a\0"])
def test_a_section_names_no_file_outside(folder, secret, name) -> None:
    place = folder / "experiments"
    place.mkdir(exist_ok=True)
    for text in (section(name=name), section(picture=name)):
        (place / "own.json").write_text(text)
        with pytest.raises(RunError, match="expected the name of a file in the same folder"):
            read_sections(place)


def test_text_of_a_section_is_text(tmp_path) -> None:
    evil = '<script>alert(1)</script><img src=x onerror="alert(2)">'
    (tmp_path / "own.svg").write_text(f"<svg>{evil}</svg>")
    table = {"caption": evil, "columns": [evil], "rows": [[evil]]}
    (tmp_path / "own.json").write_text(
        section(title=evil, sentences=[evil], tables=[table], settings={evil: evil, "b": [evil]})
    )
    page = page_html(evil, [Section.read(tmp_path / "own.json")], tmp_path)
    assert "alert(1)" in page and "<script>" not in page and "<img src=x" not in page


# Shards ---------------------------------------------------------------------------------------------------------------

MARKERS: dict[str, Callable[[dict], dict]] = {
    "a type that is a function": lambda m: {"tensors": m["tensors"] | {"valid": {"dtype": "load", "shape": [8, 2]}}},
    "terabytes": lambda m: {
        "tensors": {k: s | {"shape": [s["shape"][0], 10**9, 10**6]} for k, s in m["tensors"].items()}
    },
    "fewer than none": lambda m: {
        "tensors": {k: s | {"shape": [-1, *s["shape"][1:]]} for k, s in m["tensors"].items()}
    },
    "a text as shape": lambda m: {"tensors": {k: s | {"shape": "8"} for k, s in m["tensors"].items()}},
    "no list of tensors": lambda m: {"tensors": [1]},
    "samples that are numbers": lambda m: {"sample_ids": [*range(len(m["sample_ids"]))]},
    "more samples than rows": lambda m: {"sample_ids": [*m["sample_ids"], "more"]},
    "one tensor less": lambda m: {"tensors": {k: s for k, s in m["tensors"].items() if k != "embed"}},
    "a name outside": lambda m: {"index": "../../00000"},
    "no number": lambda m: {"size": "12"},
}


@pytest.mark.parametrize("name", MARKERS)
def test_a_marker_that_lies_is_not_believed(folder, name) -> None:
    for marker in sorted((folder / "activations").glob("*.json")):
        change(marker, **MARKERS[name](json.loads(marker.read_text())), check="")
    with pytest.raises(RunError, match="shard-00000.safetensors: damaged: "):
        ShardReader(folder / "activations")


@pytest.mark.parametrize("head", [b"\xff" * 8, (2**40).to_bytes(8, "little"), (0).to_bytes(8, "little")])
def test_the_header_of_a_shard_is_the_one_that_was_written(folder, head) -> None:
    path = folder / "activations" / "shard-00000.safetensors"
    path.write_bytes(head + path.read_bytes()[8:])
    with pytest.raises(RunError, match="its header is not the one that was written"):
        ShardReader(folder / "activations").read("embed")


# Grids ----------------------------------------------------------------------------------------------------------------


def outside(file: h5py.File, name: str, secret: Path) -> None:
    del file[f"probe/{name}"]
    file["probe"].create_dataset(name, (4,), "u1", external=[(str(secret), 0, 4)])


def virtual(file: h5py.File, name: str, secret: Path) -> None:
    del file[f"probe/{name}"]
    layout = h5py.VirtualLayout((4,), "u1")
    layout[:] = h5py.VirtualSource(str(secret), "a", (4,))
    file["probe"].create_virtual_dataset(name, layout)


def linked(file: h5py.File, name: str, secret: Path) -> None:
    del file[f"probe/{name}"]
    file[f"probe/{name}"] = h5py.ExternalLink(str(secret), "/a")


def terabytes(file: h5py.File, name: str, secret: Path) -> None:
    del file[f"probe/{name}"]
    file["probe"].create_dataset(name, (2**20, 2**20), "f8", chunks=(2**10, 2**10))


GRIDS = {
    outside: "lies in another file",
    virtual: "lies in another file",
    linked: "is a link",
    terabytes: "take more than",
}


@pytest.mark.parametrize("damage", GRIDS, ids=lambda damage: damage.__name__)
def test_a_grid_is_whole_in_itself_and_no_larger_than_its_file(folder, secret, damage) -> None:
    with h5py.File(folder / "grid.nc", "a") as file:
        damage(file, "reason", secret)
    run = interp.open_run(folder)
    for act in (lambda: run.probe, lambda: interp.plot_comparison(folder)):
        with pytest.raises(DataError, match=f"expected a grid written by interp .*{GRIDS[damage]}"):
            act()


# Probes ---------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole_probe(tmp_path_factory) -> Path:
    cap, answers = planted()
    probe = interp.fit_probe(cap, answers.correct, layer=1, role="exact_answer_last")
    return probe.save_pretrained(tmp_path_factory.mktemp("probe") / "probe")


def piped(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


PROBES: dict[str, Callable[[Path], object]] = {
    "a pipe": piped,
    "a device": lambda path: (path.unlink(), path.symlink_to("/dev/zero")),
    "huge": lambda path: huge(path, 1 << 40),
    "nested": lambda path: path.write_text(DEEP),
    "a header without an end": lambda path: path.write_bytes(b"\xff" * 8 + b"{}"),
    "nothing": lambda path: path.write_bytes(b""),
}


@pytest.mark.parametrize("file", ["config.json", "model.safetensors"])
@pytest.mark.parametrize("damage", PROBES)
def test_a_probe_that_is_none(whole_probe, tmp_path, file, damage) -> None:
    folder = Path(shutil.copytree(whole_probe, tmp_path / "probe"))
    PROBES[damage](folder / file)
    for act in (interp.load_probe, interp.FittedProbe.from_pretrained):
        with pytest.raises(DataError, match=r"expected a probe written by interp|not the weights that config.json"):
            act(folder)


def test_no_lie_about_a_size_takes_memory(folder, whole_probe, tmp_path, secret) -> None:
    """All of them in a process that may take 300 MiB more than it has: a MemoryError would be none of ours."""
    shutil.copytree(whole_probe, tmp_path / "probe")
    (tmp_path / "probe" / "model.safetensors").write_bytes((2**29).to_bytes(8, "little") + b"{" * 100)
    for marker in sorted((folder / "activations").glob("*.json")):
        change(marker, **MARKERS["terabytes"](json.loads(marker.read_text())), check="")
    with h5py.File(folder / "grid.nc", "a") as file:
        terabytes(file, "reason", secret)
    huge(folder / "comparison.json", 1 << 33)
    run = interp.open_run(folder)
    acts = [lambda: run.probe, lambda: run.comparison, lambda: run.capture]
    acts += [lambda: ShardReader(folder / "activations"), lambda: interp.load_probe(tmp_path / "probe")]

    def all_refused() -> int:
        held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (held + 300 * 2**20, resource.RLIM_INFINITY))
        for act in acts:
            try:
                act()
            except InterpError:
                continue
            return 7
        return 0

    assert in_child(all_refused) == 0


def test_what_is_whole_is_read_as_ever(folder, whole_probe) -> None:
    run = interp.open_run(folder)
    assert run.verify() == [] and run.capture.resid[:, 0].dtype == torch.float32
    assert np.isfinite(run.probe["auc"].values).any() and len(run.table()) > 10
    assert interp.load_probe(whole_probe).layer == 1
