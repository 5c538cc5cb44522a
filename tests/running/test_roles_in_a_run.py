"""Columns of one's own, end to end: against a plain forward pass, through a run, on the command line."""

import json
import shutil
from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from page_data import page_data

import interp
from interp.capturing.role_text import split_roles
from interp.capturing.roles import Anchor, Match
from interp.command.cli import main
from interp.errors import RunError
from interp.models.loading import hook_name, model_info
from interp.runs.rows import filled_in

PROMPT = (
    "Some examples of the task come first.\nQuestion: where is Paris? Answer: France.\nQuestion: {question} Answer:"
)
EARLY = {
    "bos": Anchor("start"),
    "third": Anchor("start", 2),
    "question_end": Anchor("question_last"),
    "example": Match("Paris", at="last", region="prompt"),
    "subject": Match(r"of (\w+)\?", at="last", occurrence=-1, region="prompt"),
    "two_before": lambda ids, n_prompt: n_prompt - 2,
}


def by_definition(pattern: torch.Tensor, p: int, n_prompt: int, question: tuple[int, int]) -> dict[str, float]:
    """The defined attention metrics of one head at token p, sums written out; `pattern` is the sample's own, unpadded."""
    n, rows = len(pattern), pattern.double()
    nan = float("nan")
    later = range(p + 1, n)
    received = sum(float(rows[q, p]) * (q + 1) for q in later) / len(later) if later else nan
    no_sink = sum(float(rows[q, p] / rows[q, 1:].sum()) * q for q in later) / len(later) if later and p else nan
    row, size = rows[p, : p + 1], p + 1
    share = row / row.sum()
    answer = range(n_prompt, p + 1)
    to_prompt = float(row[:n_prompt].sum()) / min(n_prompt, size)
    to_answer = float(row[n_prompt:].sum()) / len(answer) if answer else nan
    seen = [k for k in range(question[0], question[1] + 1) if k <= p]
    return {
        "received": received,
        "received_no_sink": no_sink,
        "entropy": float(-(share * share.log()).sum() / np.log(size)) if size > 1 else nan,
        "to_sink": float(row[0]),
        "to_question": sum(float(row[k]) for k in seen) if seen else nan,
        "to_completion": float(row[n_prompt:].sum()) if answer else nan,
        "to_self": float(row[p]),
        "lookback": to_prompt / (to_prompt + to_answer) if answer else nan,
    }


def test_roles_early_in_the_prompt_are_those_of_a_plain_pass(llama) -> None:
    """The common prefix is cached only up to the earliest role; vectors and metrics equal a pass over each sample."""
    questions = ("where is the city of Rome?", "where?", "Is this the land of Paris? Or of é?", "東 🙂?")
    rows = [interp.QARow(str(i), question, ("e",)) for i, question in enumerate(questions)]
    answers = interp.generate_answers(llama, rows, max_new_tokens=7, prompt_template=PROMPT)
    positions = interp.resolve_positions(answers, roles=EARLY)
    assert positions.valid[:, -6:].sum(0).tolist() == [4, 4, 4, 4, 2, 4]
    info, checked = model_info(llama), 0
    # Without `bos` and `third` the earliest role is past the shared prefix's beginning, and the cache is used.
    late = [(name, rule) for name, rule in EARLY.items() if name not in ("bos", "third")]
    shared = interp.resolve_positions(answers, roles=[*interp.ROLES, *late])
    for resolved, cached in ((positions, False), (shared, True)):
        cap = interp.capture(llama, answers, resolved, batch_tokens=200)
        assert (cap.settings["common_prefix"] > 0) is cached
        for i in range(len(rows)):
            ids = [*answers.prompt_ids[i], *answers.completion_ids[i]]
            _, cache = llama.run_with_cache(torch.tensor([ids]))
            for j, layer in product(range(15, len(resolved.roles)), range(info.n_layers)):
                if not resolved.valid[i, j]:
                    assert cap.resid[i, layer, j].isnan().all()
                    continue
                p = int(resolved.index[i, j])
                want = cache[hook_name("resid_post", layer)][0, p]
                torch.testing.assert_close(cap.resid[i, layer, j], want, atol=1e-4, rtol=1e-4)
                pattern = cache[hook_name("pattern", layer)][0]
                for head in range(pattern.shape[0]):
                    metrics = by_definition(pattern[head], p, len(answers.prompt_ids[i]), answers.question_tokens[i])
                    got = {name: float(cap.attention[name][i, layer, head, j]) for name in metrics}
                    assert got == pytest.approx(metrics, abs=2e-4, nan_ok=True), (resolved.roles[j], i, layer)
                    checked += 1
    assert checked > 300


# ---- a run -----------------------------------------------------------------------------------------------------------


def make_rows(n: int = 60) -> list[dict]:
    rng = np.random.default_rng(0)
    truth, said = rng.choice(["France", "Spain", "Peru"], size=(2, n))
    return [
        {
            "id": f"row-{i}",
            "question": f"Where is city {i}?",
            "answer": str(truth[i]),
            "completion": f" Hm.</think> It is {said[i]}, far away.",
        }
        for i in range(n)
    ]


SOME = ("last_q", "exact_answer_first")
OWN = {
    "bos": "start",
    "after_think": "last+1@completion:</think>",
    "third_after": Anchor("exact_last", 3),
    "number": Match(r"city (\d+)", at="last", region="prompt"),
    "nowhere": Match("xyz"),
}


def run(folder, out, **options) -> interp.Run:
    fixed = {"n_jobs": 1, "permutations": 0, "controls": False, "max_new_tokens": 4}
    return interp.run(model=folder, data=make_rows(), out=out, **fixed, **options)


def subject(ids, n_prompt: int) -> int:
    return n_prompt - 3


@pytest.fixture(scope="module")
def finished(llama_folder, tmp_path_factory) -> interp.Run:
    return run(
        llama_folder, tmp_path_factory.mktemp("roles") / "run", roles=[*SOME, *OWN.items(), ("subject", subject)]
    )


def test_columns_of_ones_own_are_in_every_result(finished) -> None:
    roles = [*SOME, *OWN, "subject"]
    assert finished.probe["token"].values.tolist() == roles == finished.attention["token"].values.tolist()
    auc = finished.probe["auc"].sel(layer=1)
    assert np.isfinite(auc.sel(token=["after_think", "third_after", "subject"])).all()
    assert finished.probe["n"].sel(layer=1, token="nowhere") == 0
    for token in ("bos", "nowhere"):  # the same vector everywhere; no vector at all
        assert np.isnan(auc.sel(token=token)) and finished.probe["reason"].sel(layer=1, token=token).item()
    kept = finished.settings["settings"]["roles"]
    assert kept[:-1] == [
        *SOME,
        "bos=start",
        "after_think=last+1@completion:</think>",
        "third_after=exact_last+3",
        r"number=last@prompt:city (\d+)",
        "nowhere=first:xyz",
    ]
    assert kept[-1].startswith("subject=function:") and kept[-1].endswith("subject")
    page = finished.folder.report.read_text(encoding="utf-8")
    assert "after_think" in page_data(page)["runs"][0]["roles"]
    for line in finished.samples:
        assert list(line["positions"]) == roles
        assert line["positions"]["bos"] == 0 and line["positions"]["nowhere"] is None
        assert line["positions"]["subject"] == len(line["prompt_ids"]) - 3


def test_the_text_at_a_column_is_what_was_asked_for(finished) -> None:
    table = finished.positions.table().set_index(["sample", "role"])
    whole = {line["id"]: line["completion"] for line in finished.samples}
    for name, completion in whole.items():
        after = table.loc[(name, "after_think"), "text"]
        assert completion.split("</think>")[1].startswith(after)
        assert table.loc[(name, "number"), "text"][-1] == name[-1]
    assert set(table["reason"][table.index.get_level_values("role") == "nowhere"]) == {"the pattern was not found"}


def test_a_stopped_run_goes_on_with_its_roles(finished, tmp_path) -> None:
    """Stored positions are read back, not resolved again; before they are stored, a function must be given again."""
    folder = tmp_path / "stopped"
    shutil.copytree(finished.folder.path, folder)
    state = json.loads((folder / "run.json").read_text()) | {"state": "capturing"}
    (folder / "run.json").write_text(json.dumps(state))
    with pytest.raises(RunError, match="the data changed"):  # and not: the function is missing
        interp.resume(folder, data=make_rows(40))
    (folder / "samples.jsonl").unlink()
    (folder / "positions.csv").unlink()
    with pytest.raises(RunError, match=r"role 'subject' was a Python function; give it again"):
        interp.resume(folder, data=make_rows(), n_jobs=1)
    resumed = interp.resume(folder, data=make_rows(), roles={"subject": subject}, n_jobs=1)
    assert resumed.settings["state"] == "done"
    for name in ("grid.csv", "positions.csv", "samples.jsonl"):
        assert (folder / name).read_bytes() == (finished.folder.path / name).read_bytes()


def test_a_finished_run_has_the_positions_it_stored(finished) -> None:
    """Its answers know no tokenizer, and the function is gone: nothing is resolved again."""
    resolved = interp.resolve_positions(finished.answers)
    again = finished.positions
    assert again.roles == (*SOME, *OWN, "subject")
    assert torch.equal(again.index[:, 0], resolved.index[:, 0]) and torch.equal(again.n, resolved.n)
    assert again.index[:, -1].tolist() == [len(ids) - 3 for ids in finished.answers.prompt_ids]
    assert finished.capture.roles == again.roles


def test_a_run_on_a_few_columns_leaves_observations_undecided(llama_folder, tmp_path) -> None:
    result = run(llama_folder, tmp_path / "out", roles=["-1", "third=exact_last+3"])
    assert result.probe["token"].values.tolist() == ["-1", "third"]
    rows = {row["name"].split(" (")[0]: row for row in result.comparison["observations"]}
    for name in ("Token specificity", "Symmetry around the answer", "Early last_q", "Middle-layer focus"):
        assert rows[name]["verdict"] == "undecided" and rows[name]["value"] is None and rows[name]["note"]
    assert rows["Positional columns"]["value"] is not None
    assert result.folder.report.exists() and result.summary()


def test_the_command_line_adds_columns(llama_folder, tmp_path, capsys, monkeypatch) -> None:
    data = tmp_path / "rows.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in make_rows()), encoding="utf-8")
    fixed = ["run", "--model", str(llama_folder), "--data", str(data), "--permutations", "0", "--no-controls"]
    arguments = [*fixed, "--out", str(tmp_path / "out")]
    for wrong, message in (
        (["--role", "x=middle"], "role 'x': expected LANDMARK"),
        (["--role", "x"], "--role x: expected NAME=ROLE"),
        (["--role", "x=start", "--role", "x=end"], "--role x: given twice"),
        (["--role", "-1=start"], "role '-1' is there already"),
    ):
        assert main([*arguments, *[f"{wrong[0]}={wrong[1]}"], *wrong[2:]]) == 2
        error = capsys.readouterr().err
        assert message in error and "Traceback" not in error and not (tmp_path / "out").exists()
    seen = {}
    monkeypatch.setattr(
        "interp.running.pipeline.run", lambda **options: seen.update(options) or SimpleNamespace(summary=str)
    )
    assert main([*arguments, "--role", "after_think=last+1:</think>", "--role", "early=start+3"]) == 0
    assert seen["roles"] == {"after_think": "last+1:</think>", "early": "start+3"}


def test_a_mapping_adds_to_the_columns_of_the_data_set() -> None:
    own = {"early": "start+3"}
    imdb, _ = split_roles(filled_in({"dataset": "imdb", "roles": own}))
    assert len(imdb["roles"]) == 13 and imdb["roles"][-1] == "early=start+3" and "first_answer" not in imdb["roles"]
    for options in ({"roles": own}, {"dataset": "movies", "roles": own}):
        assert split_roles(filled_in(options))[0]["roles"] == (*interp.ROLES, "early=start+3")
