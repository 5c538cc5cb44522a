"""`interp tokens` on a run of a tiny model: held-out scores of every token, a report in colours, and refusals."""

import json
import shutil

import numpy as np
import pytest
from page_data import shades

import interp
from interp.command.cli import main
from interp.errors import RunError
from interp.experiments.token_run import token_run


@pytest.fixture(scope="module")
def finished(tmp_path_factory, llama_folder):
    """Answers that are given, so that both classes have enough of them."""
    rows = [
        {"id": f"r{i}", "question": f"Where is <b>{i}</b>?", "completion": f"It is in {('Mali', 'Oslo')[i % 2]}{i % 5}.",
         "exact_answer": ("Mali", "Oslo")[i % 2], "correct": i % 2 == 0}
        for i in range(60)
    ]  # fmt: skip
    folder = tmp_path_factory.mktemp("tokens") / "run"
    return interp.run(
        model=str(llama_folder), data=rows, out=folder, controls=False, permutations=0, chat=False, n_jobs=1,
        roles=("exact_answer_last", "-1"),
    )  # fmt: skip


def test_the_report_is_coloured_by_held_out_scores(finished, capsys) -> None:
    before = finished.folder.report.read_text(encoding="utf-8")
    assert main(["tokens", str(finished.folder.path)]) == 0
    assert "extrapolation" in capsys.readouterr().out
    lines = [json.loads(line) for line in finished.folder.token_scores.read_text(encoding="utf-8").splitlines()]
    probe = finished.probe
    role = lines[0]["role"]
    score = probe["score"].sel(layer=lines[0]["layer"], token=role).to_series()
    for line, sample in zip(lines, finished.samples, strict=True):
        assert "".join(line["text"]).startswith(sample["completion"])
        own = line["score"][line["token"].index(sample["positions"][role])]
        np.testing.assert_allclose(own, score[sample["id"]], atol=1e-3)
    page = finished.folder.report.read_text(encoding="utf-8")
    assert {*shades(page)} > {0} and {*shades(before)} == {0} and "<b>0</b>" not in page
    assert main(["report", str(finished.folder.path)]) == 0
    assert finished.folder.report.read_text(encoding="utf-8") == page


def test_scores_of_another_run_colour_nothing_and_damaged_ones_are_refused(finished, tmp_path, capsys) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(finished.folder.path, folder)
    path = interp.open_run(folder).folder.token_scores
    path.parent.mkdir(exist_ok=True)
    foreign = {"run": "other", "id": "r0", "layer": 0, "role": "-1", "fold": 0, "text": [], "special": [], "score": []}
    path.write_text(json.dumps(foreign) + "\n", encoding="utf-8")
    assert main(["report", str(folder)]) == 0
    assert {*shades((folder / "report.html").read_text(encoding="utf-8"))} == {0}
    path.write_text('{"run": 3}\n', encoding="utf-8")
    assert main(["report", str(folder)]) == 2
    assert "is not as `interp tokens` wrote it" in capsys.readouterr().err


def test_a_run_without_a_probe_is_refused(finished, tmp_path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(finished.folder.path, folder)
    shutil.rmtree(folder / "probes")
    with pytest.raises(RunError, match="kept no probe of its best cell"):
        token_run(interp.open_run(folder))
