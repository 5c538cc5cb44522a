"""Candidates that are words of the sentence, not answers: `It` of "It is in France", where a row accepts `It`."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from interp.text.capitals import FUNCTION_WORDS
from interp.text.comparable import comparable
from interp.text.matching import CandidateFinder, Found

OFTEN = 10
"""Completions in which a candidate is taken, from which on it may be a filler."""

RATIO = 5
"""And how many times as often as rows accept it."""

RARE = 0.01
"""A filler is accepted by one row, or at most by this share of them: the answers of a closed set are accepted often."""

NOTED = 0.1
"""A candidate that is taken so often, and might be the model's favourite answer too, is named from this share on."""


@dataclass(frozen=True)
class Filler:
    """A candidate that is taken far more often than rows accept it."""

    candidate: str
    taken: int
    """Completions in which it is the earliest, then longest, match."""
    accepted: int
    """How often the rows accept it."""
    completions: int
    left_out: bool
    """Whether it is taken nowhere; else it is only named."""


def without_fillers(candidates: Sequence[str], texts: Sequence[str]) -> tuple[list[Found | None], list[Filler]]:
    """What is found in each text by the candidates without fillers, and which those are (definitions: fillers).

    `candidates` names each accepted answer as often as rows accept it. All texts are looked at together, and neither
    labels nor which row accepts what.
    """
    accepted = Counter(comparable(candidate.strip()).text for candidate in candidates)
    written: dict[str, list[str]] = {}
    for candidate in dict.fromkeys(candidate.strip() for candidate in candidates):
        written.setdefault(comparable(candidate).text, []).append(candidate)

    def finder(keys: Iterable[str]) -> CandidateFinder:
        return CandidateFinder(form for key in keys for form in written[key])

    kept, fillers = finder(written), list[Filler]()
    found = [kept.found(text) for text in texts]
    while True:
        where: dict[str, list[int]] = {}
        for i, one in enumerate(found):
            if one is not None:
                where.setdefault(one.candidate, []).append(i)
        many = {key: at for key, at in where.items() if len(at) >= OFTEN and len(at) > RATIO * accepted[key]}
        rare = {key: at for key, at in many.items() if accepted[key] <= max(1, RARE * len(texts))}
        others = finder(key for key in written if rare and key not in rare)
        out = {
            key
            for key, at in rare.items()
            if _holds_together(written[key]) or sum(texts[i] in others for i in at) > len(at) / 2
        }
        named = sorted(out or (key for key, at in many.items() if len(at) >= NOTED * len(texts)))
        fillers += [Filler(written[key][0], len(many[key]), accepted[key], len(texts), bool(out)) for key in named]
        if not out:
            return found, fillers
        written = {key: forms for key, forms in written.items() if key not in out}
        kept = finder(written)
        for i in (i for key in out for i in where[key]):
            found[i] = kept.found(texts[i])


def _holds_together(forms: Sequence[str]) -> bool:
    """Whether a candidate is a function word; in capitals (`US`, `WHO`) it is an acronym, and found as one only."""
    return any(form.lower() in FUNCTION_WORDS and not (len(form) > 1 and form.isupper()) for form in forms)
