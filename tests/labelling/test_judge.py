"""The judge: verdicts, labels, what was asked and replied, and its agreement with hand labels."""

import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

import interp
from interp.capturing.resolve_positions import resolve_positions
from interp.errors import DataError
from interp.labelling.judge import PROMPT, judge_answers
from interp.labelling.judgement import Judgement, agreement, read_verdict
from interp.reporting.notes import judge_sentence
from interp.runs.run_folder import json_line
from interp.runs.sample_lines import read_answers, sample_lines

ROWS = [
    interp.QARow("right", "Where is Lyon?", ("France",), completion=" Lyon lies in France."),
    interp.QARow("wrong", "Where is Oslo?", ("Norway", "Kingdom {of} Norway"), completion=" Oslo is in Sweden."),
    interp.QARow("own", "Where is Bonn?", ("Germany",), completion=" In Deutschland.", correct=True),
    interp.QARow("other own", "Where is Rome?", ("Italy",), completion=" In Italy.", correct=True),
    interp.QARow("unclear", "Where is Lima?", ("Peru",), completion=" Perhaps in Peru."),
    interp.QARow("no answers", "Where is Ulm?", (), completion=" In Ulm.", correct=False),
    interp.QARow("empty", "Where is Bern?", ("Switzerland",), completion=""),
]


def strict(prompt: str) -> str:
    """Says yes where an accepted answer stands in the given one, and hesitates at "Perhaps"."""
    lines = dict(line.split(": ", 1) for line in prompt.splitlines()[-4:-1])
    if "Perhaps" in lines["Given answer"]:
        return "Hard to say."
    return "**Yes**, it is." if any(a in lines["Given answer"] for a in lines["Accepted answers"].split("; ")) else "no"


@pytest.fixture(scope="module")
def answers(llama) -> interp.Answers:
    return interp.generate_answers(llama, ROWS, correct="judge", judge=strict)


def test_labels_verdicts_and_counts(answers) -> None:
    assert answers.correct == [True, False, True, True, None, False, None]
    judged = answers.judgement
    assert judged.verdict == [True, False, False, True, None, None, None]
    assert [exchange is None for exchange in judged.asked] == [False] * 5 + [True] * 2
    assert judged.asked[1].reply == "no" and judged.asked[0].reply == "**Yes**, it is."
    assert judged.asked[1].prompt == PROMPT.format(
        question="Where is Oslo?", answers="Norway; Kingdom {of} Norway", completion="Oslo is in Sweden."
    )
    assert judged.counts() == {
        "yes": 2,
        "no": 2,
        "unclear": 1,
        "too_long": 0,
        "not_asked": 2,
        "agreement": {
            "n": 2,
            "share": 0.5,
            "kappa": 0.0,
            "confusion": {"yes_right": 1, "yes_wrong": 0, "no_right": 1, "no_wrong": 0},
            "unclear": 1,
        },
    }
    assert "agrees with 50% of 2 hand labels (Cohen's kappa 0.00)" in judge_sentence(judged.counts())


def test_hand_labels_by_id(answers) -> None:
    judged = judge_answers(answers, ROWS, strict, hand_labels={"right": True, "wrong": True, "unclear": False})
    assert judged.correct == answers.correct  # they compare, they do not label
    assert judged.agreement.confusion == {"yes_right": 1, "yes_wrong": 0, "no_right": 1, "no_wrong": 0}
    assert (judged.agreement.n, judged.agreement.unclear) == (2, 1)
    with pytest.raises(DataError, match="no sample 'nobody'"):
        judge_answers(answers, ROWS, strict, hand_labels={"nobody": True})
    none = judge_answers(answers, ROWS, strict, hand_labels={}).counts()
    assert none["agreement"]["kappa"] is None and judge_sentence(none).endswith("no hand labels to compare it with.")


def test_a_prompt_without_accepted_answers_judges_all_completions(answers) -> None:
    judged = judge_answers(answers, ROWS, lambda prompt: "Yes", prompt="Is {completion} right for {question}?")
    assert judged.verdict == [True] * 6 + [None]
    assert judged.asked[5].prompt == "Is In Ulm. right for Where is Ulm??"
    with pytest.raises(DataError, match="must not name {gold}"):
        judge_answers(answers, ROWS, strict, prompt="{question} {completion} {gold}")
    with pytest.raises(DataError, match="the rows that were answered"):
        judge_answers(answers, ROWS[1:], strict)


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        ("yes", True),
        (" Yes.\n", True),
        ("NO, because", False),
        ("**no**", False),
        ("_Yes_", True),
        ("nope", None),
        ("Not sure", None),
        ("yesterday", None),
        ("The answer is yes", None),
        ("", None),
        ("?!", None),
        (None, None),
    ],
)
def test_verdicts(reply: str | None, verdict: bool | None) -> None:
    assert read_verdict(reply) is verdict


@pytest.mark.parametrize("seed", range(5))
def test_agreement_equals_scikit_learns(seed: int) -> None:
    rng = np.random.default_rng(seed)
    verdict = rng.choice([True, False, None], size=80, p=[0.5, 0.3, 0.2]).tolist()
    hand = [v if rng.random() < 0.7 and v is not None else bool(rng.random() < 0.5) for v in verdict]
    hand[:10] = [None] * 10
    both = [(v, h) for v, h in zip(verdict, hand, strict=True) if v is not None and h is not None]
    got = agreement(verdict, hand)
    assert got.kappa == pytest.approx(cohen_kappa_score(*zip(*both, strict=True)))
    assert got.share == np.mean([v == h for v, h in both]) and got.n == len(both) == sum(got.confusion.values())
    assert got.unclear == sum(v is None for v in verdict[10:])


def test_no_kappa_where_chance_always_agrees() -> None:
    assert agreement([True] * 3, [True] * 3).kappa is None
    assert agreement([None], [True]).share is None


def test_the_run_folder_keeps_what_was_asked(answers) -> None:
    lines = [json.loads(json_line(line)) for line in sample_lines(answers, resolve_positions(answers), None)]
    assert lines[1]["judge"] | {"prompt": "…"} == {"prompt": "…", "reply": "no", "verdict": False, "hand": None}
    assert lines[5]["judge"] == {"prompt": None, "reply": None, "verdict": None, "hand": False}
    read = read_answers(lines)
    assert read.judgement == answers.judgement and read.correct == answers.correct
    assert isinstance(read.judgement, Judgement)
    assert "extraction" not in lines[0]


def test_a_hooked_model_judges(llama) -> None:
    short = "{question} {answers} {completion} Right?"
    answers = interp.generate_answers(llama, ROWS)
    judged = judge_answers(answers, ROWS, llama, prompt=short, max_new_tokens=4)
    assert all(isinstance(exchange.reply, str) for exchange in judged.asked[:5])

    # The tiny context holds the prompt of all but the longest completion.
    texts = [text + " Lyon" * 300 if i == 0 else text for i, text in enumerate(answers.text)]
    counts = judge_answers(replace(answers, text=texts), ROWS, llama, prompt=short, max_new_tokens=4).counts()
    assert (counts["too_long"], counts["not_asked"]) == (1, 2)
    assert counts["yes"] + counts["no"] + counts["unclear"] == 4


def test_a_judge_is_needed(llama) -> None:
    with pytest.raises(DataError, match="needs a model to ask"):
        interp.generate_answers(llama, ROWS, correct="judge")
