"""Roles: what anchors, matches and functions name, and how they are written as text."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_positions import make_answers
from tokenizers_offline import KINDS, tokenizer

import interp
from interp.capturing.role_text import role_rules, split_roles
from interp.capturing.roles import LANDMARKS, REGIONS, ROLE_ANCHORS, Anchor, Match, Sample
from interp.errors import DataError
from interp.generating.prompts import decoder

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
        (["x=end@middle"], "role 'x': a role's region: expected one of sample, prompt, completion, got 'middle'"),
        (["x=__import__('os')"], "role 'x': expected LANDMARK"),
        (["x=start", "x=end"], "role 'x' is there already"),
        (["last_q=start"], "role 'last_q' has a meaning already"),
        ({"last_q": Anchor("start")}, "role 'last_q' is there already"),
        (["=start"], "role name ''"),
        ({"+SUM(A1)": Anchor("start")}, r"role name '\+SUM\(A1\)'"),
        ({"1st": Anchor("start")}, "role name '1st'"),
        ({"a\nb": Anchor("start")}, "role name"),
        ("exact_answer_last+1", "unknown role .*; a column of your own is NAME=ROLE, as in mine=exact_last\\+1"),
        ({"exact_answer_last+1": "start"}, "role name .* as in mine=exact_last\\+1"),
        (["x=exact_answer_last+1"], "label of a column, where a landmark belongs: write exact_last\\+1"),
        (["x=last_q+1"], "write prompt_end$"),
        (["x=first_answer"], "write prompt_end@completion$"),
        (["x=-1"], "write end-1@completion$"),
        (["x=exact_answer_after_last-2@completion"], "write exact_last-1@completion$"),
        (["x=exact_lst+1"], "did you mean 'exact_last'"),
        (["last_question"], "did you mean 'last_q'"),
    ],
)
def test_what_is_no_role(roles, message: str) -> None:
    with pytest.raises(DataError, match=message):
        role_rules(roles)


def test_landmarks_and_edges_are_checked_in_python_too() -> None:
    with pytest.raises(DataError, match="landmark: expected one of start, .*, got 'middle'"):
        Anchor("middle")
    with pytest.raises(DataError, match="at: expected one of first, last, got 'after'"):
        Match("a", at="after")
