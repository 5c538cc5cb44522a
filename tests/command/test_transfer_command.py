"""`interp transfer` on run folders: what it writes, that it agrees with scikit-learn, and what it refuses."""

import json
from pathlib import Path

import pandas as pd
import pytest
import xarray as xr
from transfer_by_hand import largest_errors

import interp
from interp.command.cli import main
from interp.command.parser import Parser
from interp.command.transfer_command import add_transfer

ROLES = ("last_q", "exact_answer_last")


@pytest.fixture(scope="module")
def folders(llama_folder, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two runs of one model with ten questions in common."""
    out = tmp_path_factory.mktemp("runs")
    for name, first in (("one", 0), ("two", 50)):
        rows = [
            {
                "id": str(i),
                "question": f"Where is place {i}?",
                "answer": "aé"[i % 2],
                "completion": f" {'aé'[i % 3 % 2]}",
            }
            for i in range(first, first + 60)
        ]
        interp.run(
            model=llama_folder, data=rows, out=out / name, candidates=("a", "é"), permutations=0, controls=False,
            roles=ROLES, n_jobs=1,
        )  # fmt: skip
    return [out / "one", out / "two"]


def test_the_files_and_every_number_in_them(folders: list[Path], tmp_path: Path, capsys) -> None:
    out = tmp_path / "found"
    assert main(["transfer", *map(str, folders), "--out", str(out)]) == 0
    names = ["transfer.csv", "transfer.nc", "transfer.png", "transfer.svg", "transfer.json", "report.html"]
    assert sorted(file.name for file in out.iterdir()) == sorted(names)
    printed = capsys.readouterr().out
    assert "Probes of one run tested on another" in printed and str(out / "report.html") in printed
    errors = largest_errors(out / "transfer.nc", folders)
    assert max(errors["grid"], errors["matrix"], errors["baseline"]) < 1e-6
    stored, table = xr.load_dataset(out / "transfer.nc"), pd.read_csv(out / "transfer.csv")
    assert stored["shared_groups"].values[0].tolist() == [60, 10]
    assert table["auc"].tolist() == pytest.approx(stored["auc"].values.ravel().tolist(), nan_ok=True)
    section = json.loads((out / "transfer.json").read_text(encoding="utf-8"))
    assert section["sentences"][0] in printed and section["settings"]["cell"] == "nested"
    assert main(["transfer", *map(str, folders), "--out", str(out), "--cell", "0,last_q"]) == 0  # its own folder, anew
    again = xr.load_dataset(out / "transfer.nc")
    assert again.attrs["cell"] == "layer 0, last_q" and set(again["cell_token"].values.ravel()) == {"last_q"}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["{one}"], "expected at least two, got 1"),
        (["{one}", "{one}"], "given twice"),
        (["{one}", "{one}/../one"], "are the same run"),
        (["{one}", "{link}"], "are the same run"),
        (["{one}", "{nothing}"], "nothing"),
        (["{one}", "{two}", "--cell", "99,last_q"], "cell: 1 of 1 are not in the runs"),
        (["{one}", "{two}", "--site", "z"], "z"),
        (["{one}", "{two}", "--by", "template"], "takes one run apart"),
        (["{one}", "--by", "template"], "fewer than two parts"),
    ],
)
def test_a_refusal_is_a_sentence_and_writes_nothing(words, sentence, folders, tmp_path, capsys) -> None:
    one, two = folders
    (tmp_path / "link").symlink_to(one)
    places = {name: tmp_path / name for name in ("link", "nothing")} | {"one": one, "two": two}
    out = tmp_path / "found"
    assert main(["transfer", *(word.format(**places) for word in words), "--out", str(out)]) == 2
    error = capsys.readouterr().err
    assert sentence in error and error.count("\n") == 1 and not out.exists()


def test_a_cell_is_a_layer_and_a_role(capsys) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["transfer", "one", "two", "--out", "found", "--cell", "last_q"])
    assert ended.value.code == 2 and "expected LAYER,ROLE, as 7,exact_answer_last" in capsys.readouterr().err


def test_a_folder_that_holds_something_else_is_left_alone(folders, tmp_path, capsys) -> None:
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    assert main(["transfer", *map(str, folders), "--out", str(tmp_path)]) == 2
    assert "holds other files" in capsys.readouterr().err and [f.name for f in tmp_path.iterdir()] == ["notes.txt"]


def test_its_options_are_those_of_the_function() -> None:
    parser = Parser(prog="interp", description="")
    add_transfer(parser, parser.add_subparsers())
    args = parser.parse(["transfer", "one", "two", "--out", "found", "--across-models", "--seed", "3"])
    assert (args.runs, args.out) == ([Path("one"), Path("two")], Path("found"))
    assert (args.by, args.cell, args.site, args.across_models, args.seed) == (None, None, None, True, 3)


def test_one_run_is_taken_apart_by_labels_in_a_file(folders: list[Path], tmp_path: Path, capsys) -> None:
    """The same matrix as the function makes of {id: label}, from a table and from JSON lines."""
    ids = [str(i) for i in range(60)]
    table, lines = tmp_path / "parts.csv", tmp_path / "parts.jsonl"
    table.write_text("id,label,note\n" + "".join(f"{i},{'ab'[int(i) // 30]},x\n" for i in ids), encoding="utf-8")
    rows = [json.dumps({"id": i, "label": "ab"[int(i) // 30]}) for i in ids]
    lines.write_text("\n".join(rows), encoding="utf-8")
    expected = interp.transfer(folders[0], by={i: "ab"[int(i) // 30] for i in ids})
    for file in (table, lines):
        out = tmp_path / file.suffix[1:]
        assert main(["transfer", str(folders[0]), "--by", str(file), "--out", str(out)]) == 0
        found = xr.load_dataset(out / "transfer.nc")
        assert found.attrs["by"] == "labels"
        xr.testing.assert_allclose(found["auc"], expected["auc"])
    capsys.readouterr()
    lines.write_text("\n".join([*rows, rows[0]]), encoding="utf-8")
    assert main(["transfer", str(folders[0]), "--by", str(lines), "--out", str(tmp_path / "no")]) == 2
    assert "parts.jsonl:61 is the second line of the sample 0" in capsys.readouterr().err
    table.write_text("id,part\n0,a\n", encoding="utf-8")
    assert main(["transfer", str(folders[0]), "--by", str(table), "--out", str(tmp_path / "no")]) == 2
    assert "parts.csv:2 has no label" in capsys.readouterr().err
    assert main(["transfer", str(folders[0]), "--by", "themes", "--out", str(tmp_path / "no")]) == 2
    assert "themes" in capsys.readouterr().err
