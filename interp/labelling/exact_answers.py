"""Where a completion's exact answer stands: the methods by name, each blind to the label and to the row's answers."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from interp.errors import DataError
from interp.generating.asking import Exchange
from interp.support.arguments import one_of, one_text, several_texts
from interp.text.comparable import comparable
from interp.text.fillers import Filler, without_fillers
from interp.text.final_number import final_number
from interp.text.matching import CandidateFinder
from interp.text.short_answer import short_answer

Span = tuple[int, int]
"""Characters `[begin, end)`."""

LOOSELY = ", loosely"
"""What follows a method's name where the match lacks accents, full stops or commas (definitions: typography)."""

METHODS = ("candidates", "pattern", "first_line", "last_number", "extract")


@dataclass(frozen=True)
class Located:
    """Where one exact answer stands."""

    spans: list[Span]
    """The exact answer, then its later occurrences; [] if there is none."""
    asked: tuple[Exchange, ...] = ()
    """What a model was asked for it, and its raw replies (`extract` only)."""
    loose: bool = False
    """Whether it was found only without accents, full stops of abbreviations or commas."""


Locate = Callable[[Sequence[str], Sequence[str]], list[Located]]
"""(questions, completions) -> where each exact answer stands. It gets neither labels nor accepted answers."""


@dataclass(frozen=True)
class ExactAnswerMethod:
    """One rule, common to all rows, that locates exact answers (definitions: the finder is blind to the label)."""

    name: str
    locate: Locate
    by_option: bool = False
    """Whether rows with options are located by the option chosen instead: where no other rule was asked for."""
    fillers: list[Filler] = field(default_factory=list)
    """Candidates that were taken too often to be answers, noted by `locate`."""


def exact_answer_method(
    name: str | None = None,
    *,
    candidates: str | Iterable[str] | None = None,
    pattern: str | None = None,
    default_candidates: Iterable[str] = (),
    extract: Locate | None = None,
) -> ExactAnswerMethod:
    """The method of that name.

    - `candidates`: the earliest, then longest match of `candidates` (of `default_candidates` without fillers, if none
      are given: then rows with options are located by the option chosen, `interp.generating.options`);
    - `pattern`: the group of the first match of `pattern`;
    - `first_line`: the first line that is not blank, without a leading `Answer:`, quotes and final punctuation;
    - `last_number`: the number that the `numeric` rule judges, as a rule the last, sign and per cent included;
    - `extract`: a model is asked (`interp.labelling.extraction`).

    None: the method that `pattern` or `candidates` imply. Raises DataError for a name that there is not, and for
    candidates or a pattern that the method named would ignore.
    """
    if candidates is not None:
        candidates = read_candidates(candidates)
    if pattern is not None:
        one_text("answer_pattern", pattern)
    if name is None:
        name = "candidates" if pattern is None else "pattern"
    else:
        one_of("exact_answer", name, METHODS)
        for option, value in (("candidates", candidates), ("pattern", pattern)):
            if value is not None and name != option:
                raise DataError(f"exact_answer={name!r} does not use {option}; leave one of the two out")
    if name == "candidates":
        return _by_candidates(name, candidates, tuple(default_candidates))
    if name == "pattern":
        return _by_text(name, _pattern_finder(pattern))
    if name == "first_line":
        return _by_text(name, _only(short_answer))
    if name == "last_number":
        return _by_text(name, _only(_last_number))
    if extract is None:
        raise DataError("exact_answer='extract' needs a model to ask: give one as extractor=…")
    return ExactAnswerMethod(name, extract)


def read_candidates(candidates: str | Iterable[str]) -> tuple[str, ...]:
    """Candidate answers, of which one may be given bare. Raises DataError for none at all."""
    found = several_texts("candidates", candidates)
    if not any(candidate.strip() for candidate in found):
        raise DataError("candidates: expected at least one candidate answer, got none")
    return found


def _by_text(name: str, find: Callable[[str], list[Span]]) -> ExactAnswerMethod:
    return ExactAnswerMethod(name, lambda questions, texts: [Located(find(text)) for text in texts])


def _by_candidates(name: str, given: Sequence[str] | None, default: Sequence[str]) -> ExactAnswerMethod:
    finder, fillers = CandidateFinder(given or ()), list[Filler]()

    def locate(questions: Sequence[str], texts: Sequence[str]) -> list[Located]:
        if given is None:
            found, fillers[:] = without_fillers(default, texts)
        else:
            found = [finder.found(text) for text in texts]
        return [Located([]) if one is None else Located(one.spans, loose=one.loose) for one in found]

    return ExactAnswerMethod(name, locate, by_option=given is None, fillers=fillers)


def _only(find: Callable[[str], Span | None]) -> Callable[[str], list[Span]]:
    """A place, not a string, is what names this answer: its other occurrences do not make it ambiguous."""
    return lambda text: [span for span in (find(text),) if span is not None]


def _last_number(text: str) -> Span | None:
    found = final_number(text)
    return None if found is None else (found.start, found.end)


def _pattern_finder(pattern: str | None) -> Callable[[str], list[Span]]:
    if pattern is None:
        raise DataError("exact_answer='pattern' needs a regular expression: give one as answer_pattern=…")
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise DataError(f"the answer pattern {pattern!r} is not a regular expression: {error}") from error
    if compiled.groups != 1:
        raise DataError(f"the answer pattern must have one group (the answer); {pattern!r} has {compiled.groups}")

    def find(text: str) -> list[Span]:
        spans = [match.span(1) for match in compiled.finditer(text) if match.start(1) < match.end(1)]
        return [
            span for span in spans if comparable(text[slice(*span)]).text == comparable(text[slice(*spans[0])]).text
        ]

    return find
