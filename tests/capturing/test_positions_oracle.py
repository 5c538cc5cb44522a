"""Spans and positions against the slow second reading of the definitions in `benchmarks/position_oracle.py`."""

from collections.abc import Sequence
from unittest import mock

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from position_oracle import Decode, find_candidate, find_number, read, roles
from position_reasons import UNEXPLAINED, disagreements
from tokenizers_offline import KINDS, tokenizer

import interp
from interp import demo
from interp.data.rows import QARow
from interp.experiments.orgad.labels import by_gold, substring_match
from interp.experiments.orgad.preset import paper_positions
from interp.generating.prompts import decoder
from interp.labelling.answers import Answers
from interp.labelling.exact_answers import exact_answer_method
from interp.labelling.labels import label_answers
from interp.text import spans


def answered(
    rows: Sequence[QARow],
    prompt_ids: list[list[int]],
    completion_ids: list[list[int]],
    decode: Decode,
    special: Sequence[int],
    candidates: Sequence[str],
) -> Answers:
    """Answers as `generate_answers` makes them of given ids; right where a row's answer is found."""
    method = exact_answer_method(candidates=candidates)
    labels = label_answers(
        rows,
        prompt_ids,
        completion_ids,
        decode,
        frozenset(special),
        correct=lambda row, text: row.correct,
        method=method,
    )
    n = len(rows)
    return Answers(
        id=[row.id for row in rows],
        question=[row.question for row in rows],
        group=[row.id for row in rows],
        prompt=[decode(ids) for ids in prompt_ids],
        prompt_ids=prompt_ids,
        completion_ids=completion_ids,
        text=[label.text for label in labels],
        finish=["stop"] * n,
        logprobs=[None] * n,
        correct=[label.correct for label in labels],
        exact_answer=[label.exact_answer for label in labels],
        exact_answer_method=[label.method for label in labels],
        exact_answer_tokens=[label.tokens for label in labels],
        question_tokens=[None] * n,
        status=[label.status for label in labels],
    )


def rows_of(n: int, **fields: object) -> list[QARow]:
    return list(interp.load_rows([{"id": str(i), "question": f"q{i}", "answer": "x", **fields} for i in range(n)]))


def check(answers: Answers, decode: Decode, special: Sequence[int], candidates: Sequence[str]) -> None:
    """Every sample: exact answer, its tokens, status, and all fifteen positions with their absence."""
    positions = interp.resolve_positions(answers)
    for i in range(len(answers)):
        prompt, completion = answers.prompt_ids[i], answers.completion_ids[i]
        reading = read(prompt, completion, decode, special, lambda text: find_candidate(text, candidates))
        ours = answers.exact_answer[i], answers.exact_answer_tokens[i], answers.status[i]
        assert ours == (reading.exact_answer, reading.tokens, reading.status), decode([*prompt, *completion])
        table = roles(len(prompt), len(prompt) + len(completion), reading.tokens)
        assert tuple(table) == positions.roles
        assert positions.index[i].tolist() == [-1 if token is None else token for token in table.values()]


def test_the_embedded_model_answers_sixty_questions() -> None:
    rows = interp.load_rows(demo.questions_path(), limit=60)
    model = interp.load_model(demo.model_path())
    answers = interp.generate_answers(
        model, rows, prompt_template=demo.PROMPT_TEMPLATE, max_new_tokens=demo.MAX_NEW_TOKENS
    )
    candidates = [answer for row in rows for answer in row.answers]
    assert answers.decode is not None
    check(answers, answers.decode, model.tokenizer.all_special_ids, candidates)
    assert sum(span is not None for span in answers.exact_answer_tokens) > 40


NASTY = {  # pieces of the completion, candidates
    "cut inside an emoji": (["So ", "😀".encode()[:2], "😀".encode()[2:], "Rome"], ["😀", "Rome"]),
    "a token of nothing": (["In ", "", "Rome", "", "."], ["Rome"]),
    "ends inside a character": (["Rome", "é".encode()[:1]], ["Rome"]),
    "begins inside a character": (["é".encode()[1:], " Rome"], ["Rome"]),
    "broken for good": (["Ro", b"\xff", "me", b"\xff\xfe", " Rome"], ["Rome"]),
    "dotted İ": ([" İz", "mir", " is", " in", " Turkey", "."], ["Turkey", "izmir"]),
    "İ in the candidate": (["See ", "i̇", "stanbul"], ["İSTANBUL"]),
    "ligature": (["the ", "ﬁ", "n"], ["fin"]),
    "one character is three words": (["is ", "㏂", "!"], ["a.m."]),
    "no cut inside one character": (["㎏", " 5㎏"], ["k", "kg", "5"]),
    "decomposed": (["Caf", "e", "\u0301", "s, cafe", "\u0301"], ["café"]),
    "Hangul of jamo": (["in ", "\u1109\u1165", "\u110b\u116e\u11af", "."], ["서울", "서우"]),
    "Thai": (["ที่", "กรุง", "เทพ"], ["กรุงเทพ"]),
    "Han beside Latin": (["Paris是", "首都", "Rome都"], ["Rome", "Paris"]),
    "Devanagari vowel sign": (["भारत", "ी ", "भारत"], ["भारत"]),
    "twice, overlapping": (["a a a", " a"], ["a a"]),
    "longest and then the longest again": (["New York", " City, New York"], ["New York", "New York City"]),
    "only a stop": (["</s>"], ["s", "</s>"]),
    "in the stop": (["Rome", "</s>", "s"], ["s"]),
    "one token": (["Rome"], ["Rome"]),
    "nothing": ([], ["Rome"]),
}


@pytest.mark.parametrize("name", NASTY)
@pytest.mark.parametrize("n_prompt", [0, 3])
def test_nasty(name: str, n_prompt: int) -> None:
    pieces, candidates = NASTY[name]
    vocabulary = [piece.encode() if isinstance(piece, str) else piece for piece in ["Q", ": ", "?\n", *pieces]]

    def decode(ids: Sequence[int]) -> str:
        return b"".join(vocabulary[i] for i in ids).decode(errors="replace")

    special = [i for i, piece in enumerate(vocabulary) if piece == b"</s>"]
    completion = list(range(3, len(vocabulary)))
    answers = answered(rows_of(1), [list(range(n_prompt))], [completion], decode, special, candidates)
    check(answers, decode, special, candidates)


PIECES = [
    "Lyon",
    "lyon ",
    " is in",
    "France",
    "東京",
    "は",
    "e\u0301",
    "İ",
    "ß",
    "😀",
    "-",
    ".",
    "12",
    "</s>",
    "<turn>",
    "ก",
]


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60)
@given(data=st.data())
def test_any_ids_of_any_tokenizer(kind: str, data: st.DataObject) -> None:
    """Tokens of real words, and tokens at random: broken characters, bytes that never were text, special tokens."""
    coder = tokenizer(kind)
    words = st.lists(st.sampled_from(PIECES), max_size=5).map(
        lambda pieces: list(coder("".join(pieces), add_special_tokens=False)["input_ids"])
    )
    ids = st.lists(st.integers(0, len(coder) - 1), max_size=6)
    part = st.lists(words | ids, max_size=3).map(lambda parts: [token for ids in parts for token in ids])
    prompt, completion = data.draw(part), data.draw(part)
    decode = decoder(coder)
    text = decode([*prompt, *completion])
    assume("think" not in text)  # of thoughts the second reading knows nothing
    begin = data.draw(st.integers(0, len(text)))
    stretch = text[begin : begin + data.draw(st.integers(1, 6))]
    candidates = [stretch, *data.draw(st.lists(st.sampled_from(PIECES), max_size=2))]
    special = coder.all_special_ids
    assume(any(map(str.strip, candidates)))
    # Prefixes are put together from blocks of tokens: short ones, so that their seams fall everywhere.
    with mock.patch.object(spans, "BLOCK", data.draw(st.sampled_from([1, 3, 32]))):
        answers = answered(rows_of(1), [prompt], [completion], decode, special, candidates)
    check(answers, decode, special, candidates)


@settings(max_examples=150)
@given(
    st.text("aéİ1ﬁ東ก한\u0301\u0e38 \n-.ßA", max_size=10),
    st.lists(st.text("aéiİ1f東한\u0301 .sA", max_size=3), max_size=3),
)
@example("a\u0301", ["a"])
@example("東\u0301", ["東"])
@example("수도는 서울입니다", ["서울"])
@example("대서울", ["서울"])
@example("Paris입니다 Paris", ["Paris"])
def test_candidates_in_any_text(text: str, candidates: list[str]) -> None:
    assume(any(map(str.strip, candidates)))  # none at all is refused
    method = exact_answer_method(candidates=candidates)
    assert method.locate([""], [text])[0].spans == find_candidate(text, candidates)


WRITTEN = [  # what the rules of numbers, capitals and typography turn on
    *("5", "1", "000", ".5", "-5", "–", "½", "/", ",", ".", " ", " ", "$", "^", "us", "US", "U.S.", "Us", "may", "May"),
    *("I", "it", "It", "é", "e", "São", "Sao", "sa\u0303o", "Mr.", "Mr", "T", "D. C.", "DC", "’", "'", "‑", "-", "«"),
    *("\u00ad", "ø", "æ", "й", "и", "か", "が", "Zoë", "Thé", "the"),
    *("서울", "은", "한", "\n", "  ", "\t", "1776", "46", "1945", "/"),
]


DATES = ["7", "4", "07", "1776", "1945", "46", "5", "/", "/", ".", " ", "a"]


@settings(max_examples=400)
@given(st.lists(st.sampled_from(DATES), max_size=8).map("".join), st.sampled_from(["1776", "1945", "46", "5", "7/4"]))
@example("on 7/4/1776.", "1776")
@example("in 1945/46.", "1945")
@example("1945/47", "1945")
@example("1776/07/04", "1776")
def test_years_of_dates(text: str, year: str) -> None:
    assert exact_answer_method(candidates=[year]).locate([""], [text])[0].spans == find_candidate(text, [year])


@settings(max_examples=300)
@given(st.data())
def test_numbers_capitals_and_typography_in_any_text(data: st.DataObject) -> None:
    text = "".join(data.draw(st.lists(st.sampled_from(WRITTEN), max_size=8)))
    some = st.lists(st.sampled_from(WRITTEN), min_size=1, max_size=3).map("".join)
    begin = data.draw(st.integers(0, len(text)))
    candidates = [text[begin : begin + data.draw(st.integers(1, 6))], *data.draw(st.lists(some, max_size=3))]
    assume(any(map(str.strip, candidates)))
    method = exact_answer_method(candidates=candidates)
    assert method.locate([""], [text])[0].spans == find_candidate(text, candidates), (text, candidates)


NUMBERS = ["9", "-3", "12,345.6", "$1,200", "-$4", "50%", "12 %", "0.25", ".5", "2,000,000"]


@settings(max_examples=100)
@given(
    st.lists(st.sampled_from([*NUMBERS, "so", "H2O", "x =", "("]), max_size=6), st.sampled_from(["", ".", ", so", ")"])
)
def test_the_last_number_where_it_was_put(words: list[str], end: str) -> None:
    text, place, remark = "", [], False
    for word in words:
        begin = len(text)
        text += word + " "
        # What stands in parentheses after a word or number is a remark, and not what is answered.
        if word in NUMBERS and not (remark and place):
            place = [(begin, begin + len(word))]
        remark = remark or (word == "(" and begin > 0 and text[:begin].split()[-1] not in ("=", "("))
    text = text.rstrip() + end
    assert find_number(text) == place
    assert exact_answer_method("last_number").locate([""], [text])[0].spans == place


@settings(max_examples=60)
@given(st.data())
def test_every_disagreement_with_the_papers_code_has_a_reason(data: st.DataObject) -> None:
    """Completions of a few words that hold each other's answers, in all of their combinations."""
    words = ["Niger", "Nigeria", "Mali", "İzmir", "mali", "Malian", "x"]
    letters = sorted(set("".join(words) + " ."))

    def decode(ids: Sequence[int]) -> str:
        return "".join(letters[i] for i in ids)

    said = st.lists(st.sampled_from(words), min_size=1, max_size=4).map(" ".join)
    texts = data.draw(st.lists(said, min_size=2, max_size=4))
    golds = data.draw(st.lists(st.sampled_from(words), min_size=len(texts), max_size=len(texts)))
    choice = data.draw(st.booleans())
    rows = [
        row
        for i, gold in enumerate(golds)
        for row in rows_of(1, id=str(i), answer=gold, wrong_answer="Mali" if choice else None)
    ]
    prompts = [[data.draw(st.integers(0, 2))] for _ in texts]
    completions = [[letters.index(letter) for letter in text] for text in texts]
    candidates = [*golds, "Mali"] if choice else golds
    ours = answered(rows, prompts, completions, decode, (), candidates)
    check(ours, decode, (), candidates)
    rule = "choice" if choice else "contains"
    for row, text, i in zip(rows, texts, range(len(texts)), strict=True):
        ours.correct[i] = substring_match(row, text, rule)
    paper = by_gold(ours, rows, decode)
    readings = [
        read(*ids, decode, (), lambda text: find_candidate(text, candidates))
        for ids in zip(prompts, completions, strict=True)
    ]
    found = disagreements(
        ours, paper, interp.resolve_positions(ours), paper_positions(paper), rows, readings, decode, rule=rule
    )
    assert [one for one in found if one.reason == UNEXPLAINED] == []
