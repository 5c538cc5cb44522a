"""Whether an answer is right: the rules by name, each `(row, completion) -> bool | None` (None: no label)."""

import re
import string
import unicodedata
from collections.abc import Callable, Sequence

import numpy as np

from interp.data.rows import QARow
from interp.errors import DataError
from interp.generating import options
from interp.support.arguments import number, one_of
from interp.support.messages import shown
from interp.text.comparable import comparable
from interp.text.final_number import final_number
from interp.text.matching import CandidateFinder
from interp.text.number_words import names_a_number
from interp.text.numerals import same_number
from interp.text.short_answer import first_line

Rule = Callable[[QARow, str], bool | None]
"""Whether the completion answers the row's question; None: the rule cannot tell, the sample stays unlabelled."""

RuleBuilder = Callable[[Sequence[QARow]], Rule]
"""Makes a rule for a data set from all of its rows."""

RULES: dict[str, RuleBuilder] = {}
"""Every rule that has a name."""

JUDGE = "judge"
"""The name that asks a model instead (`interp.labelling.judge`)."""

TOLERANCE = 1e-6
"""Relative tolerance of `numeric`; `correct=numeric(tolerance=0.01)` takes another."""


def register(name: str) -> Callable[[RuleBuilder], RuleBuilder]:
    """Give a rule builder a name: `@register("mine")`, then `correct="mine"`."""

    def named(builder: RuleBuilder) -> RuleBuilder:
        if name in RULES or name == JUDGE:
            raise DataError(f"correct: the name {name!r} is taken already")
        RULES[name] = builder
        return builder

    return named


def correctness_rule(correct: str | Rule, rows: Sequence[QARow]) -> Rule:
    """The rule of that name for these rows, or a rule of the user's own, checked; a row's own `correct` always wins.

    Raises DataError for a name that there is not, rows that the rule cannot be used on, or (when called) a rule that
    returns something else than True, False or None.
    """
    if isinstance(correct, str):
        check_rule_name(correct)
        if correct == JUDGE:
            return lambda row, completion: row.correct
        rule = RULES[correct](rows)
    else:
        rule = correct
        if not callable(rule) or isinstance(rule, type):
            raise DataError(f"correct: expected the name of a rule or a function (row, completion), got {shown(rule)}")

    def checked(row: QARow, completion: str) -> bool | None:
        if row.correct is not None:
            return row.correct
        by_option = bool(row.options) and isinstance(correct, str) and correct in options.RULES
        verdict = options.is_right(row, completion) if by_option else rule(row, completion)
        if verdict is not None and not isinstance(verdict, (bool, np.bool_)):
            raise DataError(
                f"{row.source or row.id}: the correctness rule must return True, False or None, got {verdict!r}"
            )
        return None if verdict is None else bool(verdict)

    return checked


def check_rule_name(name: str) -> None:
    """Raise DataError if there is no rule of that name."""
    one_of("correct", name, [*RULES, JUDGE])


@register("contains")
def contains(rows: Sequence[QARow]) -> Rule:
    """Right if an accepted answer stands anywhere in the completion (definitions: when an answer is found).

    A row without accepted answers is not labelled.
    """
    return lambda row, completion: completion in CandidateFinder(row.answers) if row.answers else None


@register("normalised")
def normalised(rows: Sequence[QARow]) -> Rule:
    """Right if the first line of the completion is an accepted answer, after `normalise` on both.

    SQuAD's and TriviaQA's exact match over all aliases (Rajpurkar et al. 2016, Joshi et al. 2017). For short answers:
    a longer first line that merely holds the answer is wrong.
    """

    def rule(row: QARow, completion: str) -> bool | None:
        if not row.answers:
            return None
        span = first_line(completion)
        said = normalise(completion[slice(*span)]) if span is not None else ""
        return said in {normalise(answer) for answer in row.answers}

    return rule


_ARTICLE = re.compile(r"\b(?:a|an|the)\b")


def normalise(text: str) -> str:
    """Case, punctuation, articles and spacing removed, in SQuAD's order; curly quotes go like straight ones.

    An answer that is nothing else ("The", "!!!", "A") keeps what the last step would have left empty.
    """
    bare = _without_punctuation(comparable(_without_punctuation(text)).text)
    return " ".join(_ARTICLE.sub(" ", bare).split()) or " ".join(bare.split()) or comparable(text.strip()).text


def _without_punctuation(text: str) -> str:
    return "".join(
        char
        for char in text
        if unicodedata.category(char)[0] != "P" and char not in string.punctuation and char != "\u00b4"
    )


@register("numeric")
def _numeric(rows: Sequence[QARow]) -> Rule:
    """`numeric()` with its default tolerance."""
    return numeric()


def numeric(*, tolerance: float = TOLERANCE) -> Rule:
    """Right if the number that the completion answers with equals an accepted one within a relative tolerance.

    `interp.text.final_number` says which number that is: boxed, after `####` or "the answer is", else the last.
    `interp.text.numerals` says how numbers are read: thousands, signs, fractions, powers, per cent, LaTeX. A
    completion that names no number is wrong; one whose number is not read (`12,34`, `2√3`, `H2O`, `twenty-one`) or not
    surely meant (`18 or 20`) is not labelled, nor is a row whose accepted answers hold no number that is read.
    """
    tolerance = number("tolerance", tolerance, low=0)

    def rule(row: QARow, completion: str) -> bool | None:
        accepted = [number for number in map(final_number, row.answers) if number is not None and number.is_read]
        if not accepted:
            return None
        said = final_number(completion)
        if said is None:  # digits that are no number (H2O) may be meant as one, and words are not read
            return None if any(map(str.isdigit, completion)) or names_a_number(completion) else False
        return any(same_number(said, one, tolerance=tolerance) for one in accepted) if said.is_read else None

    return rule


@register("choice")
def choice(rows: Sequence[QARow]) -> Rule:
    """Right if, of the row's accepted answers and its `wrong_answer`s, the earliest one named is accepted.

    Longest first where two begin alike. A completion that names none is wrong (as in the paper's code for
    Winobias). Of a row with `options`: if the one chosen is accepted (definitions: options). Raises DataError for a row
    with neither.
    """
    for row in rows:
        if row.correct is None and not row.options and row.wrong_answer is None:
            raise DataError(
                f"{row.source or row.id}: correct='choice' needs a `wrong_answer` in every row; bring that column, "
                "or choose another rule"
            )

    def rule(row: QARow, completion: str) -> bool | None:
        if row.options:
            return options.is_right(row, completion)
        return _earliest(CandidateFinder([*row.answers, *row.wrong_answers]), completion) in _folded(row.answers)

    return rule


@register("label")
def label(rows: Sequence[QARow]) -> Rule:
    """Right if the earliest label named, of all accepted answers of the data set, is one of the row's own.

    For closed sets of labels with synonyms (entailment, sentiment): the synonyms are the several accepted answers of
    a row. A completion that names no label is wrong.
    """
    finder = CandidateFinder(answer for row in rows for answer in row.answers)

    def rule(row: QARow, completion: str) -> bool | None:
        return _earliest(finder, completion) in _folded(row.answers) if row.answers else None

    return rule


def _earliest(finder: CandidateFinder, text: str) -> str | None:
    found = finder.found(text)
    return None if found is None else found.candidate


def _folded(answers: Sequence[str]) -> set[str]:
    return {comparable(answer.strip()).text for answer in answers}
