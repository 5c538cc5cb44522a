"""Answers in a notebook: the counts are theirs, the exact answer is marked, and no text of theirs does anything."""

from dataclasses import replace

import pytest
from read_html import HOSTILE, Page, read

from interp.demo import planted
from interp.generating.asking import Exchange
from interp.labelling.answers import Answers
from interp.labelling.answers_html import SAMPLES
from interp.labelling.judgement import Judgement
from interp.support.html_repr import safe


@pytest.fixture(scope="module")
def answers() -> Answers:
    """Of the first five one is right, one has no label, one no exact answer."""
    _, made = planted(5000)
    correct = [True, None, *made.correct[2:]]
    spans = [None if i == 2 else tokens for i, tokens in enumerate(made.exact_answer_tokens)]
    exact = [None if i == 2 else text for i, text in enumerate(made.exact_answer)]
    chars = [
        None if word is None else (text.index(word), text.index(word) + len(word))
        for text, word in zip(made.text, exact, strict=True)
    ]
    status = ["no_exact_answer" if i == 2 else "ok" for i in range(len(made))]
    return replace(
        made,
        correct=correct,
        exact_answer_tokens=spans,
        exact_answer=exact,
        exact_answer_method=[None if text is None else "candidates" for text in exact],
        exact_answer_chars=chars,
        status=status,
        settings={"temperature": 0.0, "stop": ("\n",)},
    )


def test_the_numbers_are_those_of_the_answers(answers) -> None:
    found = read(answers)
    right, wrong = answers.correct.count(True), answers.correct.count(False)
    assert found.line == [
        "Answers",
        "5000 samples",
        f"{right} correct",
        f"{wrong} wrong",
        "1 without a label",
        "4999 exact answers",
    ]
    assert right + wrong == 4999
    assert found.sections["Status"].rows[1:] == [["ok", "4999", "100.0%"], ["no_exact_answer", "1", "0.0%"]]
    assert found.sections["Exact answers by method"].rows[1:] == [
        ["candidates", "4999", "100.0%"],
        ["none", "1", "0.0%"],
    ]
    assert found.sections["Settings"].rows == [["temperature", "0.0"], ["stop", "⏎"]]
    assert [name for name, section in found.sections.items() if section.opened] == ["Samples"]


def test_the_first_samples_are_shown_with_their_exact_answer(answers) -> None:
    found = read(answers)
    rows = found.sections["Samples"].rows[1:]
    assert [row[:3] for row in rows] == [[a["id"], a["question"], a["text"]] for a in answers[:SAMPLES]]
    assert [row[3] for row in rows][:2] == ["correct", "no label"]
    assert found.marked == [text for text in answers.exact_answer[:5] if text is not None] and len(found.marked) == 4


def test_where_its_place_is_not_known_the_exact_answer_stands_beside(answers) -> None:
    older = replace(answers, exact_answer_chars=None)
    assert read(older).sections["Samples"].rows[1][2] == f"{answers.text[0]} → {answers.exact_answer[0]}"


def test_an_answer_after_a_long_thought_is_in_sight(answers) -> None:
    text = "<think>" + "so " * 500 + "</think>It is in Town 0."
    begin = text.index("Town 0")
    one = replace(answers[:1], text=[text], exact_answer_chars=[(begin, begin + 6)])
    found = read(one)
    assert found.marked == ["Town 0"] and "It is in Town 0." in found.text
    begin = text.index("It is")
    unknown = replace(one, exact_answer_chars=None, final_answer_chars=[(begin, len(text))])
    assert read(unknown).sections["Samples"].rows[1][2] == "…It is in Town 0. → Town 0"


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_do_nothing(answers, text) -> None:
    fields = {name: [text] for name in ("id", "question", "text", "exact_answer", "exact_answer_method", "status")}
    one = replace(answers[:1], **fields, settings={text: text})
    shown = Page(f"<div><span>{safe(text)}</span></div>").line[0]
    for chars in (None, [(0, len(text))], [(len(text) // 2, len(text))]):
        rows = read(replace(one, exact_answer_chars=chars)).sections["Samples"].rows
        assert len(rows) == 2 and rows[1][:2] == [shown, shown] and rows[1][4] == shown


def test_texts_without_end_stay_small(answers) -> None:
    huge = ["<&>" * 100_000] * len(answers)
    names = [f"{'<' * 300}{i}" for i in range(len(answers))]
    read(replace(answers, question=huge, text=huge, status=names, exact_answer=huge, id=names, settings={"a": huge}))


def test_the_judge_stands_beside_the_hand_labels(answers) -> None:
    asked = [Exchange("Right?", "Yes"), Exchange("Right?", "No"), Exchange("Right?", "Hm"), None, None]
    judged = replace(answers[:5], judgement=Judgement(asked, [True, True, True, None, None], answers.correct[:5]))
    rows = read(judged).sections["Judge"].rows[1:]
    assert [row[1] for row in rows] == ["2", "0.500", "0.000", "1"]
    assert "Judge" not in read(answers).sections


def test_no_answers_are_shown_too(answers) -> None:
    assert read(answers[:0]).line[1] == "0 samples"


def test_the_line_of_a_terminal_is_as_it_was() -> None:
    assert repr(planted()[1]) == ("Answers(100 samples: 50 correct, 50 wrong, 0 without a label; 100 exact answers)")
