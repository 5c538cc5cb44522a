"""Pooled roles: which span each form names, as text and in Python, what it means where a part is missing."""

import json

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from test_positions import make_answers
from test_roles import sample_of
from tokenizers_offline import tokenizer

import interp
from interp.capturing.pool import POOLS, SPANS, Pool
from interp.capturing.role_rule import locate
from interp.capturing.role_text import pooling_of, role_rules, split_roles
from interp.capturing.roles import NAMED_ROLES, Anchor, Match, Sample
from interp.capturing.tokens_by_hand import read_tokens
from interp.errors import DataError


def sample(n_prompt: int, n: int, **spans) -> Sample:
    return Sample("s", range(n), n_prompt, spans.pop("exact", None), spans.pop("question", None), None, **spans)


# ---- which tokens ----------------------------------------------------------------------------------------------------


def test_every_named_span() -> None:
    full = sample(4, 12, question=(1, 2), exact=(9, 10), thought=(4, 6), final=(8, 11))
    found = {span: Pool("mean", span).locate(full) for span in SPANS}
    assert found == {
        "sample": (0, 11),
        "prompt": (0, 3),
        "completion": (4, 11),
        "question": (1, 2),
        "exact_answer": (9, 10),
        "thought": (4, 6),
        "final_answer": (8, 11),
    }
    assert {span: Pool("mean", span).locate(sample(0, 0)) for span in SPANS} == {
        "sample": "the sample is empty",
        "prompt": "the prompt is empty",
        "completion": "the completion is empty",
        "question": "the question was not located",
        "exact_answer": "there is no exact answer",
        "thought": "there is no thought",
        "final_answer": "there is no final answer",
    }


@given(st.sampled_from(sorted(NAMED_ROLES)), st.sampled_from(sorted(NAMED_ROLES)), st.integers(0, 4), st.integers(0, 9))
def test_a_span_between_two_roles_is_there_where_both_are_and_in_order(
    one: str, other: str, n_prompt: int, length: int
) -> None:
    n = n_prompt + length
    exact = (n - 2, n - 1) if length > 1 else None
    drawn = sample(n_prompt, n, exact=exact, final=(n_prompt, n - 1) if length else None)
    first, last = NAMED_ROLES[one].locate(drawn), NAMED_ROLES[other].locate(drawn)
    found = Pool("max", one, other).locate(drawn)
    if isinstance(first, int) and isinstance(last, int) and first <= last:
        assert found == (first, last)
    elif isinstance(first, str) or isinstance(last, str):
        assert found == (first if isinstance(first, str) else last)
    else:
        assert found == "the span ends before it begins"


def test_a_single_anchor_is_a_span_of_one_token_and_a_match_all_its_tokens() -> None:
    assert Pool("mean", "last_q").locate(sample(3, 5)) == (2, 2) == locate("x", Pool("mean", "last_q"), sample(3, 5))
    text = sample_of("gpt2", "Where is the old city? ", "the old city, the new city")
    decode = lambda span: tokenizer("gpt2").decode(text.ids[span[0] : span[1] + 1])  # noqa: E731
    for at in ("first", "last"):
        found = Pool("mean", Match("the (new city)", at=at)).locate(text)
        assert found[1] > found[0] and decode(found).strip() == "new city"
    assert Pool("mean", Match("the old", region="completion")).locate(text)[0] >= text.n_prompt
    assert Pool("mean", Match("nowhere")).locate(text) == "the pattern was not found"
    between = Pool("min", Match("the", occurrence=1), Match("city", at="last", occurrence=1)).locate(text)
    assert decode(between).strip() == "the old city"


# ---- as text ---------------------------------------------------------------------------------------------------------

anchors = st.builds(
    Anchor,
    st.sampled_from(["start", "exact_first", "end", "thought_last"]),
    st.integers(-9, 9),
    st.sampled_from(["sample", "prompt", "completion"]),
)
patterns = st.sampled_from(["</think>", r"city of (\w+)\?", "a:b", "x=1", "a.b", "@prompt:", "é 東"])
still = st.builds(Match, patterns, st.sampled_from(["first", "last"]), st.just(0), st.integers(-9, 9))
moved = st.builds(Match, patterns, st.sampled_from(["first", "last"]), st.integers(-9, 9), st.integers(-9, 9))
free = st.builds(Match, st.sampled_from(["a..b", "..", "x..end"]), st.just("last"))
pools = st.one_of(
    st.builds(Pool, st.sampled_from(POOLS), st.sampled_from([*SPANS]) | still | anchors),
    st.builds(Pool, st.sampled_from(POOLS), anchors | moved, anchors | moved | free),
)


@given(st.dictionaries(st.sampled_from(["x", "after_think", "é-2.last"]), pools, max_size=3), pools)
def test_text_and_back(named: dict[str, Pool], alone: Pool) -> None:
    own = {**named, str(alone): alone}
    options, functions = split_roles({"roles": own})
    texts = json.loads(json.dumps(options["roles"]))
    assert functions == {} and texts[-1] == str(alone)
    rules = role_rules(texts)
    assert {name: rules[name] for name in own} == own
    assert pooling_of([*texts, "own=function:here.there"]) == {name: rule.how for name, rule in own.items()}


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("mean:exact_answer", Pool("mean", "exact_answer")),
        ("max:completion", Pool("max", "completion")),
        ("mean:last[1]:<end_of_turn>", Pool("mean", Match("<end_of_turn>", "last", occurrence=1))),
        ("min:exact_first-2..end-1", Pool("min", Anchor("exact_first", -2), Anchor("end", -1))),
        ("mean:first_answer..-2", Pool("mean", NAMED_ROLES["first_answer"], NAMED_ROLES["-2"])),
        ("mean:last+1:</think>..last:a..b", Pool("mean", Match("</think>", "last", 1), Match("a..b", "last"))),
    ],
)
def test_text_says(text: str, rule: Pool) -> None:
    assert role_rules([text]) == {text: rule}
    assert role_rules([f"x={text}"]) == {"x": rule}
    assert role_rules({text: text})[text] == rule


@pytest.mark.parametrize(
    ("roles", "message"),
    [
        (["mean:exact_anser"], r"role 'mean:exact_anser': expected mean\|max\|min:SPAN .*FROM\.\.TO.*'exact_answer'"),
        (["mean:"], r"expected mean\|max\|min:SPAN .*got 'mean:'"),
        (["x=mean:exact_first..ned"], r"role 'x': expected mean\|max\|min:SPAN .*did you mean 'end'"),
        (["mean:completion..-1"], r"expected mean\|max\|min:SPAN .*FROM, TO"),
        (["mean:exact_answer_last+1..-1"], r"a landmark belongs: write exact_last\+1"),
        (["max:last+1:a"], "moves nowhere: leave out the offset"),
        (["mean:last:("], "is not a regular expression"),
        (["mean:exact_answer=start"], r"expected mean\|max\|min:SPAN"),
        (["men:exact_answer"], r"unknown role 'men:exact_answer'.*a pooled column is mean\|max\|min:.*mean 'mean'"),
        (["x=avg:exact_answer"], r"role 'x': expected LANDMARK.* or mean\|max\|min:SPAN"),
        (["mean:completion", "mean:completion"], "'mean:completion' is there already"),
        ({"mean:completion": "max:completion"}, "'mean:completion' has a meaning already"),
        ({"mean:completion": Anchor("start")}, "'mean:completion' has a meaning already"),
        ([r"mean:first:a$b$"], r"role name .*give this pooled column a name, as in mine=mean:first:a\$b\$"),
        (["mean:first:a\nb"], "give this pooled column a name"),
        ({"x": Pool}, "expected an Anchor, a Match, a Pool, a text or a function, got"),
    ],
)
def test_what_is_no_pooled_role(roles, message: str) -> None:
    with pytest.raises(DataError, match=message):
        role_rules(roles)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("median", "completion"), "how a role is pooled: expected one of mean, max, min, got 'median'"),
        (("mean", "complection"), "span: expected one of sample, .*did you mean 'completion'"),
        (("mean", "completion", "-1"), "span: expected the label of a column, an Anchor or a Match, got 'completion'"),
        (("mean", 3), "span: expected a name, an Anchor or a Match, got 3"),
        (("mean", Match("a..b")), "holds '..', which stands between the ends of a span: write .{2}"),
        (("mean", Match("a", offset=1)), "moves nowhere"),
    ],
)
def test_a_pool_is_checked_in_python_too(arguments: tuple, message: str, as_users_run_it) -> None:
    with pytest.raises(DataError, match=message):
        Pool(*arguments)


# ---- positions -------------------------------------------------------------------------------------------------------

ROLES = ["exact_answer_first", "mean:exact_answer", "max:exact_answer", "-1", "mean:-2..-1"]


def test_positions_hold_first_and_last_and_say_why_a_span_is_absent() -> None:
    answers = make_answers([(2, 5, (3, 4)), (2, 3, (4, 4)), (2, 1, None)])
    positions = interp.resolve_positions(answers, roles=ROLES)
    assert positions.span[:, 1].tolist() == [[3, 4], [4, 4], [-1, -1]]
    assert positions.span[:, 0].tolist() == [[3, 3], [4, 4], [-1, -1]]
    assert positions.index[:, 4].tolist() == [6, 4, -1] and positions.begin[:, 4].tolist() == [5, 3, -1]
    assert positions.valid[:, 1].tolist() == [True, True, False]
    assert positions.how == ("", "mean", "max", "", "mean")
    table = positions.table().set_index(["sample", "role"])
    assert list(table)[:2] == ["first", "index"]
    assert table.loc[("0", "mean:exact_answer"), ["first", "index", "to_end"]].tolist() == [3, 4, 2]
    assert table.loc[("2", "mean:exact_answer"), "reason"] == "there is no exact answer"
    assert table.loc[("2", "mean:-2..-1"), "reason"] == "falls inside the prompt"
    some = positions[[1, 0]]
    assert torch.equal(some.span, positions.span[[1, 0]]) and some.how == positions.how


def test_two_columns_name_the_same_token_where_their_spans_are_equal_and_pooled_alike_or_of_one_token() -> None:
    positions = interp.resolve_positions(make_answers([(2, 5, (3, 4)), (2, 3, (4, 4))]), roles=ROLES)
    share, at = positions.coincidence(), {role: i for i, role in enumerate(ROLES)}
    assert share[at["mean:exact_answer"], at["exact_answer_first"]] == 0.5  # one token: the second sample's
    assert share[at["mean:exact_answer"], at["max:exact_answer"]] == 0.5  # two tokens have a mean and a maximum
    assert share[at["mean:exact_answer"], at["-1"]] == 0.5
    assert share[at["mean:exact_answer"], at["mean:-2..-1"]] == 0  # ends alike, begins elsewhere
    alike = interp.resolve_positions(
        make_answers([(2, 5, (3, 4))] * 3), roles=["mean:exact_answer", "x=mean:exact_first..exact_last"]
    )
    assert alike.repeats() == ("", "mean:exact_answer")


def test_the_ledgers_text_is_that_of_the_span() -> None:
    text = sample_of("gpt2", "Where? ", "in the old city")
    answers = make_answers([(text.n_prompt, len(text.ids) - text.n_prompt, (text.n_prompt + 1, len(text.ids) - 1))])
    answers.prompt_ids[0], answers.completion_ids[0] = text.ids[: text.n_prompt], text.ids[text.n_prompt :]
    table = interp.resolve_positions(
        answers, roles=["mean:exact_answer", "mean:prompt"], tokenizer=tokenizer("gpt2")
    ).table()
    assert table["text"].tolist() == [tokenizer("gpt2").decode(text.ids[text.n_prompt + 1 :]), "Where? "]
    assert table["token_id"].tolist() == [text.ids[-1], text.ids[text.n_prompt - 1]]


def test_spans_said_by_hand() -> None:
    spans = [[[1, 3], [2, 2]], [[0, 1], [4, 9]]]
    positions = interp.Positions.at(spans, [6, 5], roles=["a", "b"], valid=[[1, 1], [1, 0]], pooling=["max", "mean"])
    assert positions.span.tolist() == [[[1, 3], [2, 2]], [[0, 1], [-1, -1]]] and positions.how == ("max", "mean")
    assert interp.Positions.at(spans, 10).how == ("mean", "mean")
    assert read_tokens([3], 4, roles=None, valid=None, n_prompt=None, pooling="mean")["first"] is None
    for wrong, options, message in (
        (spans, {"n_tokens": 5}, "index: 9 at sample 1, role '1', is outside"),
        ([[[3, 1]]], {"n_tokens": 5}, "the span of sample 0, role '0', ends at 1, before it begins at 3"),
        (spans, {"n_tokens": 10, "pooling": "sum"}, "pooling: expected one of mean, max, min"),
        (spans, {"n_tokens": 10, "pooling": ["max", "min", "max"]}, r"one per role \(2\), got 3"),
        ([[[1, 2, 3]]], {"n_tokens": 10}, r"`sample role 2` for spans, got shape \(1, 1, 3\)"),
    ):
        with pytest.raises(DataError, match=message):
            interp.Positions.at(wrong, **options)
