"""`interp causal` on a run's folder: what it writes, that it is `patch_grid`'s, and what it refuses."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import interp
from interp.command.causal_command import add_causal
from interp.command.cli import main
from interp.command.parser import Parser
from interp.experiments.run_model import loader_of_run

ROLES = ("last_q", "exact_answer_before_first", "exact_answer_last")


@pytest.fixture(scope="module")
def folder(llama_folder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Answers that were given, of a tiny model; every second one is right."""
    out = tmp_path_factory.mktemp("runs") / "one"
    rows = [
        {"id": str(i), "question": f"Where is place {i % 10}{i // 10}?", "answer": "ao"[i % 2],
         "completion": f" {'ao'[i % 3 % 2]}"}
        for i in range(60)
    ]  # fmt: skip
    interp.run(
        model=llama_folder, data=rows, out=out, candidates=("a", "o"), permutations=0, controls=False, roles=ROLES,
        n_jobs=1,
    )  # fmt: skip
    return out


@pytest.fixture(scope="module")
def written(folder) -> Path:
    assert main(["causal", str(folder), "--pairs", "14"]) == 0
    return folder / "experiments"


def test_the_files_and_the_numbers_in_them(folder, written, capsys) -> None:
    name = "causal_answer_resid_post"
    assert main(["causal", str(folder), "--pairs", "14"]) == 0  # anew
    printed = capsys.readouterr().out
    stored = xr.load_dataset(written / f"{name}.nc")
    own = interp.patch_grid(interp.open_run(folder), pairs=14)
    for variable in ("change", "effect", "over_p_corrected", "control_effect", "auc", "attributed"):
        np.testing.assert_array_equal(stored[variable].values, own[variable].values)
    assert stored["sample"].values.tolist() == own["sample"].values.tolist()
    table = pd.read_csv(written / f"{name}.csv")
    assert set(table["metric"]) == {"effect", "control_effect", "over", "auc"}
    both = table.query("metric == 'effect' and of == 'both'")
    assert both["value"].tolist() == pytest.approx(own["effect"].sel(direction="both").values.ravel(), nan_ok=True)
    over = table.query("metric == 'over' and of == 'same_label'")
    assert over["p_corrected"].tolist() == pytest.approx(
        own["over_p_corrected"].sel(control="same_label").values.ravel(), nan_ok=True
    )
    section = json.loads((written / f"{name}.json").read_text(encoding="utf-8"))
    assert section["sentences"][0] in printed and "14 pairs of a right and a wrong sample" in printed
    for kind in ("png", "svg"):
        assert (written / f"{name}.{kind}").exists() and (written / f"{name}_beside.{kind}").exists()
    report = (folder / "report.html").read_text(encoding="utf-8")
    assert "Which cells matter (answer, resid_post)" in report and section["sentences"][1][:40] in report


def test_one_head_and_the_fast_way_have_files_of_their_own(folder, written) -> None:
    words = ["causal", str(folder), "--pairs", "4", "--site", "z", "--head", "1", "--fast", "--no-scrambled"]
    assert main(words) == 0
    stored = xr.load_dataset(written / "causal_answer_z_1.nc")
    assert (stored.attrs["method"], stored.attrs["head"]) == ("attribution", 1) and "attributed" not in stored
    assert stored["control"].values.tolist() == ["same_label", "random_direction"]
    assert main(["causal", str(folder), "--pairs", "4", "--outcome", "judgement", "--fast", "--no-scrambled"]) == 0
    stored = xr.load_dataset(written / "causal_judgement_resid_post.nc")
    assert "Is this answer correct" in stored.attrs["question"] and np.isfinite(stored["change"].values).all()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--site", "resid_mid"], "site"),
        (["--head", "0"], "head: only the site 'z' has heads"),
        (["--site", "z", "--head", "9"], "head"),
        (["--question", "Sure?"], "question: the outcome 'answer' asks none"),
        (["--outcome", "truth"], "outcome"),
        (["--match", "nothing"], "match"),
        (["--pairs", "0"], "pairs"),
    ],
)
def test_a_refusal_is_a_sentence(words, sentence, folder, capsys) -> None:
    assert main(["causal", str(folder), *words]) == 2
    error = capsys.readouterr().err
    assert sentence in error and error.count("\n") == 1


def test_a_folder_that_is_no_run_is_refused(tmp_path, capsys) -> None:
    assert main(["causal", str(tmp_path / "nothing")]) == 2
    assert "nothing" in capsys.readouterr().err


def test_a_model_that_changed_since_is_refused(folder, tmp_path, llama_folder) -> None:
    import shutil

    import torch
    from safetensors.torch import load_file, save_file

    from interp.errors import RunError

    run, other = interp.open_run(folder), tmp_path / "other"
    shutil.copytree(llama_folder, other)
    weights = load_file(other / "model.safetensors")
    name = next(iter(weights))
    save_file(weights | {name: weights[name] + torch.tensor(1e-3)}, other / "model.safetensors", metadata={"format": "pt"})  # fmt: skip
    with pytest.raises(RunError, match="the model changed since the run"):
        loader_of_run(run, other)()
    assert loader_of_run(run, False) is None
    assert interp.patch_grid(run, model=llama_folder, pairs=2, controls=[]).attrs["n_pairs"] == 2


def test_its_options_are_those_of_the_function() -> None:
    parser = Parser(prog="interp", description="")
    add_causal(parser, parser.add_subparsers())
    args = parser.parse(["causal", "one"])
    assert (args.out, args.outcome, args.site, args.head, args.pairs) == (Path("one"), "answer", "resid_post", None, 64)
    assert (args.match, args.question, args.fast, args.no_scrambled) == ("offsets", None, False, False)
