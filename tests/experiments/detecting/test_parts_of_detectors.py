"""Pieces of the detectors alone: which tokens count, which ids say A and B, how scores of a caller's own are read."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import interp
from interp.command.detectors_command import add_detectors
from interp.command.parser import Parser
from interp.demo.planted_signal import planted_answers
from interp.errors import DataError
from interp.experiments.detecting.compared import compared
from interp.experiments.detecting.confidence import CONFIDENCE, after_exact_answer, exact_answer, whole_answer
from interp.experiments.detecting.given import Detector, Given
from interp.experiments.detecting.own import read_scores
from interp.experiments.detecting.p_true import option_tokens, p_true_detectors


def answers_of(**changed: object) -> interp.Answers:
    """One answer: four tokens of prompt, seven of completion, the exact answer its third and fourth."""
    one = planted_answers(np.array([1]))
    fields = vars(one) | {"prompt_ids": [[9] * 4], "completion_ids": [[5] * 7], "exact_answer_tokens": [(6, 7)]}
    return interp.Answers(**{**fields, **changed})


@pytest.mark.parametrize(
    ("final", "finish", "expected"),
    [
        (None, "stop", (0, 6)),
        ((7, 9), "stop", (3, 6)),  # behind a thought: the token that ended it counts, as without a thought
        ((7, 10), "length", (3, 6)),
        ((7, 9), "length", (3, 5)),
        ((4, 6), "stop", (0, 2)),  # before a thought: what ended the thought is no part of it
    ],
)
def test_the_answer_is_the_final_one_with_the_token_that_ended_it(final, finish: str, expected) -> None:
    tokens = None if final is None else [final]
    assert whole_answer(answers_of(final_answer_tokens=tokens, finish=[finish]), 0) == expected


def test_an_absent_answer_has_no_tokens() -> None:
    assert whole_answer(answers_of(completion_ids=[[]]), 0) is None
    assert whole_answer(answers_of(final_answer_tokens=[None]), 0) is None
    assert exact_answer(answers_of(), 0) == (2, 3) and after_exact_answer(answers_of(), 0) == (4, 4)
    at_the_end = answers_of(exact_answer_tokens=[(9, 10)])
    assert exact_answer(at_the_end, 0) == (5, 6) and after_exact_answer(at_the_end, 0) is None
    nowhere = answers_of(exact_answer_tokens=[None])
    assert exact_answer(nowhere, 0) is None and after_exact_answer(nowhere, 0) is None


@pytest.mark.usefixtures("as_users_run_it")
def test_signs_are_those_of_the_definition() -> None:
    """The more certain of two samples is the higher in every one, whatever the labels are."""
    two = planted_answers(np.array([0, 1]))
    certain, unsure = [-0.1, -0.2, -0.1], [-2.0, -1.0, -2.0]
    n = len(two.completion_ids[0])
    fields = vars(two) | {
        "logprobs": [(certain * n)[:n], (unsure * n)[:n]],
        "entropies": [[0.1] * n, [2.0] * n],
        "exact_answer_tokens": [(len(two.prompt_ids[0]), len(two.prompt_ids[0]))] * 2,
    }
    given = SimpleNamespace(answers=interp.Answers(**fields), load=None)
    for detector in CONFIDENCE:
        first, second = detector.score(given)
        assert first > second, detector.name


class Tokens:
    """A tokenizer of so many words."""

    def __init__(self, **ids: list[int]) -> None:
        self.ids = {name.replace("_", " "): value for name, value in ids.items()}
        self.texts = {7: "A", 8: " A", 9: "B", 10: " B", 3: " ", 4: "AB"}

    def __call__(self, text: str, **_: object) -> dict[str, list[int]]:
        return {"input_ids": self.ids[text]}

    def decode(self, ids: list[int], **_: object) -> str:
        return "".join(self.texts[token] for token in ids)


def test_letters_with_and_without_a_blank_are_the_options() -> None:
    assert option_tokens(Tokens(A=[7], _A=[8], B=[9], _B=[10])) == ((7, 8), (9, 10))
    assert option_tokens(Tokens(A=[7], _A=[3, 7], B=[9], _B=[3, 9])) == ((7,), (9,))  # a blank by itself says nothing
    for same in (Tokens(A=[3], _A=[3], B=[3], _B=[3]), Tokens(A=[4], _A=[3], B=[9], _B=[9])):
        with pytest.raises(DataError, match=r"no token of its own for the options A and B \(ids"):
            option_tokens(same)


@pytest.mark.parametrize("template", ["{question}", "{question} {answer} {first} {second} {more}", "{question"])
def test_a_prompt_that_lacks_a_field_is_refused(template: str) -> None:
    with pytest.raises(DataError, match="the prompt"):
        p_true_detectors(template)


def test_scores_are_read_by_order_or_by_id() -> None:
    ids = ("a", "b", "c")
    assert read_scores("x", [1, None, True], ids).tolist()[::2] == [1.0, 1.0]
    assert read_scores("x", pd.Series([3.0, 2.0], index=["c", "b"]), ids).tolist()[1:] == [2.0, 3.0]
    assert read_scores("x", pd.Series([1.0, 2.0, 3.0]), ids).tolist() == [1.0, 2.0, 3.0]
    assert np.isnan(read_scores("x", {"b": 1.0, "z": 2.0}, ids)).tolist() == [True, False, True]


def test_a_detector_that_fails_keeps_its_reason_unless_it_was_asked_for() -> None:
    from interp.demo import planted

    cap, answers = planted()
    given = Given.of(answers, cap, interp.probe_grid(cap, answers))

    def fails(given: Given) -> np.ndarray:
        raise DataError("it cannot be")

    broken = {"broken": Detector("broken", "own", fails)}
    found = compared(given, broken)
    assert str(found["reason"].sel(detector="broken").item()) == "it cannot be"
    assert int(found["missing"].sel(detector="broken")) == len(answers)
    with pytest.raises(DataError, match="it cannot be"):
        compared(given, broken, strict=frozenset({"broken"}))


def test_the_options_of_the_command() -> None:
    parser = Parser(prog="interp", description="", epilog="")
    add_detectors(parser, parser.add_subparsers(metavar="COMMAND"))
    args = parser.parse_args(["detectors", "runs/first", "--detector", "probe", "--detector", "p_true", "--no-model"])
    assert (str(args.out), args.detector, args.no_model) == ("runs/first", ["probe", "p_true"], True)
