"""Roles: what anchors, matches and functions name, how they are written as text, and a run with columns of one's own."""

import json
import shutil
from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from test_positions import make_answers
from tokenizers_offline import KINDS, tokenizer

import interp
from interp.answering.prompts import decoder
from interp.capturing.role_text import role_rules, split_roles
from interp.capturing.roles import LANDMARKS, REGIONS, ROLE_ANCHORS, Anchor, Match, Sample
from interp.cli import main
from interp.errors import DataError, RunError
from interp.models.loading import hook_name, model_info
from interp.run_data import filled_in

CHAT = (
    "{% for m in messages %}<turn>{{ m.role }}\n{{ m.content }}</s>\n{% endfor %}"
    "{% if add_generation_prompt %}<turn>assistant\n{% endif %}"
)


def sample_of(kind: str, prompt: str, completion: str) -> Sample:
    tok = tokenizer(kind)
    before, after = (tok(text, add_special_tokens=False)["input_ids"] for text in (prompt, completion))
    return Sample("s", [*before, *after], len(before), None, None, decoder(tok))


def name_of(kind: str, sample: Sample, token: int | str) -> str:
    return tokenizer(kind).convert_ids_to_tokens(sample.ids[token]) if isinstance(token, int) else token


# ---- anchors ---------------------------------------------------------------------------------------------------------


@given(
    st.sampled_from(LANDMARKS),
    st.integers(-4, 4),
    st.sampled_from(REGIONS),
    st.integers(0, 4),
    st.integers(0, 5),
    st.booleans(),
)
def test_an_anchor_is_its_landmark_and_an_offset_inside_its_region(
    landmark: str, offset: int, region: str, n_prompt: int, length: int, located: bool
) -> None:
    n = n_prompt + length
    exact = (n_prompt, n - 1) if located and length else None
    question = (0, n_prompt - 1) if located and n_prompt else None
    found = Anchor(landmark, offset, region).locate(Sample("s", range(n), n_prompt, exact, question, None))
    marks = {"start": 0, "prompt_end": n_prompt, "end": n}
    marks |= {"exact_first": exact[0], "exact_last": exact[1]} if exact else {}
    marks |= {"question_last": question[1]} if question else {}
    allowed = {"sample": range(n), "prompt": range(n_prompt), "completion": range(n_prompt, n)}[region]
    token = marks[landmark] + offset if landmark in marks else None
    if token in allowed:
        assert found == token
    else:
        assert isinstance(found, str) and found


@pytest.mark.parametrize(
    ("role", "prompt", "completion", "span", "reason"),
    [
        ("last_q", 0, 2, None, "the prompt is empty"),
        ("first_answer", 2, 0, None, "the completion is empty"),
        ("second_answer", 2, 0, None, "the completion is empty"),
        ("second_answer", 2, 1, None, "the completion has 1 token"),
        ("exact_answer_first", 2, 3, None, "there is no exact answer"),
        ("exact_answer_before_first", 0, 3, (0, 1), "falls before the first token"),
        ("exact_answer_after_last", 2, 3, (3, 4), "the exact answer is the last token"),
        ("-4", 2, 3, None, "falls inside the prompt"),
        ("-8", 2, 3, None, "falls inside the prompt"),
    ],
)
def test_why_a_role_is_absent(role: str, prompt: int, completion: int, span: tuple | None, reason: str) -> None:
    table = interp.resolve_positions(make_answers([(prompt, completion, span)])).table().set_index("role")
    assert table["reason"][role] == reason and not table["valid"][role]
    assert (table["reason"] == "").equals(table["valid"])


# ---- matches ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_the_first_token_after_think(kind: str) -> None:
    sample = sample_of(kind, "Where is Lyon? ", "It is a city.</think>France</s>")
    after = Match("</think>", at="last", offset=1).locate(sample)
    assert name_of(kind, sample, after - 1) == "</think>"
    assert decoder(tokenizer(kind))(sample.ids[after:]).strip().lower().startswith("fr")
    assert Match("</s>", at="last", offset=1).locate(sample) == "falls after the last token"
    assert Match("</think>", occurrence=1).locate(sample) == "the pattern was found only 1 time"
    assert Match("x*").locate(sample) == "the pattern was not found"  # only empty matches
    assert Match("</think>", region="prompt").locate(sample) == "the pattern was not found"


@pytest.mark.parametrize("kind", KINDS)
def test_turns_of_a_chat_by_the_templates_own_marker(kind: str) -> None:
    tok = tokenizer(kind)
    tok.chat_template = CHAT
    turns = [("user", "Where is Rome?"), ("assistant", "Italy."), ("user", "And Lyon?")]
    prompt = tok.apply_chat_template(
        [{"role": role, "content": text} for role, text in turns], tokenize=False, add_generation_prompt=True
    )
    sample = sample_of(kind, prompt, "France.</s>")
    ends = [i for i, token in enumerate(sample.ids) if token == tok.eos_token_id]
    assert len(ends) == 4
    for turn in range(4):
        assert Match("</s>", at="last", occurrence=turn).locate(sample) == ends[turn]
        # The token before the marker: the last of what was said.
        assert Match("</s>", offset=-1, occurrence=turn).locate(sample) == ends[turn] - 1
    assert Match("</s>", occurrence=-1).locate(sample) == ends[-1]
    assert Match("</s>", occurrence=-1, region="prompt").locate(sample) == ends[-2]
    assert Match("</s>", region="completion").locate(sample) == ends[-1]


@pytest.mark.parametrize("kind", KINDS)
def test_the_subjects_last_token_is_the_last_that_holds_the_group(kind: str) -> None:
    sample = sample_of(kind, "In which country is the city of Lyon? A:", "France")
    match = Match(r"city of (\w+)", at="last", region="prompt")
    last = match.locate(sample)
    decode = decoder(tokenizer(kind))
    assert "lyon" in decode(sample.ids[: last + 1]).lower()  # a token may hold the question mark too
    assert "lyon" not in decode(sample.ids[:last]).lower()
    first = Match(r"city of (\w+)", region="prompt").locate(sample)
    assert decode(sample.ids[:first]).lower().rstrip().endswith("city of")


def test_a_match_looks_at_its_regions_text_alone() -> None:
    """`^` and word boundaries are those of the region; a prompt that ends in a letter does not hide the answer."""
    sample = sample_of("gpt2", "Lyon Lyon", "Lyon")
    assert Match(r"\bLyon$", region="completion").locate(sample) == sample.n_prompt
    assert Match("^Lyon", region="completion").locate(sample) == sample.n_prompt
    assert Match("LyonLyon", region="prompt").locate(sample) == "the pattern was not found"
    assert Match("Lyon", offset=99).locate(sample) == "falls after the last token"
    assert Match("Lyon", offset=-1, region="completion").locate(sample) == "falls inside the prompt"
    assert Match("Lyon$", at="last", offset=1, region="prompt").locate(sample) == "falls inside the completion"


def test_a_prompt_that_ends_in_a_token_without_text_does_not_hold_the_completion() -> None:
    sample = Sample("s", [0, 1, 2], 2, None, None, lambda ids: "".join(("a", "", "b")[i] for i in ids))
    assert Match("b", region="completion").locate(sample) == 2


def test_matches_need_a_tokenizer() -> None:
    answers = make_answers([(2, 2, None)])
    with pytest.raises(DataError, match="needs the tokenizer"):
        interp.resolve_positions(answers, roles={"x": Match("a")})
    positions = interp.resolve_positions(answers, roles={"x": Match(".", occurrence=1)}, tokenizer=tokenizer("gpt2"))
    assert positions.roles == (*interp.ROLES, "x") and positions.valid[0, -1]
    assert interp.resolve_positions(answers, roles=[("x", Anchor("start")), "-1"]).index.tolist() == [[0, 3]]


# ---- functions -------------------------------------------------------------------------------------------------------


def test_a_function_of_ids_and_prompt_length() -> None:
    answers = make_answers([(3, 4, (4, 4)), (2, 1, None)])
    own = {"one": lambda ids, n_prompt: ids.index(2) if 2 in ids else None, "numpy": lambda ids, n_prompt: np.int64(1)}
    positions = interp.resolve_positions(answers, roles=own)
    assert positions.roles == (*interp.ROLES, "one", "numpy")
    assert positions.index[:, -2:].tolist() == [[2, 1], [-1, 1]]
    assert positions.table()["reason"].iloc[-2] == "the role's function returned None"
    for wrong in (99, -1, 1.0, "1"):
        with pytest.raises(DataError, match=rf"'far' of sample '0' returned token {wrong}; expected None or 0 … 6"):
            interp.resolve_positions(answers, roles={"far": lambda ids, n_prompt, wrong=wrong: wrong})


# ---- roles as text ---------------------------------------------------------------------------------------------------

anchors = st.tuples(st.just(Anchor), st.sampled_from(LANDMARKS), st.integers(-99, 99), st.sampled_from(REGIONS))
matches = st.tuples(
    st.just(Match),
    st.sampled_from(["</think>", r"city of (\w+)\?", "a:b", "x=1", " lead", "tail ", "@prompt:", "[0]", "\n", "é 東"]),
    st.sampled_from(["first", "last"]),
    st.integers(-99, 99),
    st.integers(-9, 9),
    st.sampled_from(REGIONS),
)


@given(st.dictionaries(st.sampled_from(["x", "after_think", "é-2.last", "B"]), anchors | matches, max_size=4))
def test_text_and_back(drawn: dict[str, tuple]) -> None:
    own = {name: kind(*values) for name, (kind, *values) in drawn.items()}
    options, functions = split_roles({"roles": own})
    texts = json.loads(json.dumps(options["roles"]))
    assert texts[:15] == list(interp.ROLES) and functions == {}
    assert role_rules(texts) == {**ROLE_ANCHORS, **own}


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("exact_last+3", Anchor("exact_last", 3)),
        ("end-1@completion", Anchor("end", -1, "completion")),
        ("last+1:</think>", Match("</think>", at="last", offset=1)),
        ("last[1]:<end_of_turn>", Match("<end_of_turn>", at="last", occurrence=1)),
        (r"first[-1]-2@prompt:a: \d", Match(r"a: \d", offset=-2, occurrence=-1, region="prompt")),
    ],
)
def test_text_says(text: str, rule: Anchor | Match) -> None:
    assert role_rules([f"x={text}"]) == {"x": rule}
    assert str(rule) == text


@pytest.mark.parametrize(
    ("roles", "message"),
    [
        (["middle"], "unknown role 'middle'; known roles are last_q"),
        (["x="], r"role 'x': expected LANDMARK\[±N\]\[@REGION\].*got ''"),
        (["x=middle+1"], "role 'x': expected LANDMARK"),
        (["x=exact_last+"], "role 'x': expected LANDMARK"),
        (["x=exact_last:a"], "role 'x': expected LANDMARK"),
        (["x=start[1]"], "role 'x': expected LANDMARK"),
        (["x=last"], "role 'x': expected LANDMARK"),
        (["x=last:"], "role 'x': expected LANDMARK"),
        (["x=last:("], "role 'x': the role's pattern '\\(' is not a regular expression"),
        (["x=last:(a)(b)"], "at most one group, '\\(a\\)\\(b\\)' has 2"),
        (["x=end@middle"], "role 'x': a role's region is one of sample, prompt, completion; got 'middle'"),
        (["x=__import__('os')"], "role 'x': expected LANDMARK"),
        (["x=start", "x=end"], "role 'x' is there already"),
        (["last_q=start"], "role 'last_q' is one of the fifteen"),
        ({"last_q": Anchor("start")}, "role 'last_q' is there already"),
        (["=start"], "role name ''"),
        ({"+SUM(A1)": Anchor("start")}, r"role name '\+SUM\(A1\)'"),
        ({"1st": Anchor("start")}, "role name '1st'"),
        ({"a\nb": Anchor("start")}, "role name"),
        ("last_q", "expected a list of names or a mapping, got the text 'last_q'"),
    ],
)
def test_what_is_no_role(roles, message: str) -> None:
    with pytest.raises(DataError, match=message):
        role_rules(roles)


def test_landmarks_and_edges_are_checked_in_python_too() -> None:
    with pytest.raises(DataError, match="landmark is one of start, .*; got 'middle'"):
        Anchor("middle")
    with pytest.raises(DataError, match="at is one of first, last; got 'after'"):
        Match("a", at="after")


# ---- early roles, end to end -----------------------------------------------------------------------------------------

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
    """SPEC's attention metrics of one head at token p, sums written out; `pattern` is the sample's own, unpadded."""
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
    assert "after_think" in page
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
        (["--role", "x"], "role 'x': expected LANDMARK"),
        (["--role", "x=start", "--role", "x=end"], "--role x: given twice"),
        (["--role", "-1=start"], "role '-1' is there already"),
    ):
        assert main([*arguments, *[f"{wrong[0]}={wrong[1]}"], *wrong[2:]]) == 2
        error = capsys.readouterr().err
        assert message in error and "Traceback" not in error and not (tmp_path / "out").exists()
    seen = {}
    monkeypatch.setattr("interp.pipeline.run", lambda **options: seen.update(options) or SimpleNamespace(summary=str))
    assert main([*arguments, "--role", "after_think=last+1:</think>", "--role", "early=start+3"]) == 0
    assert seen["roles"] == {"after_think": "last+1:</think>", "early": "start+3"}


def test_a_mapping_adds_to_the_columns_of_the_data_set() -> None:
    own = {"early": "start+3"}
    imdb, _ = split_roles(filled_in({"dataset": "imdb", "roles": own}))
    assert len(imdb["roles"]) == 13 and imdb["roles"][-1] == "early=start+3" and "first_answer" not in imdb["roles"]
    for options in ({"roles": own}, {"dataset": "movies", "roles": own}):
        assert split_roles(filled_in(options))[0]["roles"] == (*interp.ROLES, "early=start+3")
