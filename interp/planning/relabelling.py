"""A run whose answers are there and not yet labelled may be told anew how they are to be labelled and located."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from shlex import quote
from typing import Any

import numpy as np
from jaxtyping import Bool

from interp.runs.labelling_models import split_given
from interp.runs.settings import Settings

LOCATING = ("exact_answer", "candidates", "answer_pattern")
"""Of these a new one takes the place of all."""
RELABELLING = (*LOCATING, "correct", "judge", "extractor", "population")
"""Settings that decide what is made of answers, not what is answered."""


def relabelled(settings: Settings, given: Mapping[str, Any]) -> Settings:
    """The settings with what is given anew of `RELABELLING`. Raises DataError for options that do not fit together."""
    names, _ = split_given({name: given[name] for name in RELABELLING if given.get(name) is not None})
    reset = dict.fromkeys(LOCATING) if names.keys() & set(LOCATING) else {}
    changed: Mapping[str, Any] = {**reset, **names}
    return replace(settings, **changed)


def way_on(
    out: Path,
    settings: Settings,
    given: Sequence[str],
    labels: Sequence[bool | None],
    located: Bool[np.ndarray, " sample"],
) -> str:
    """What to do with a run that cannot be probed as its answers are labelled and located; nothing is answered again.

    `labels` are those of the samples that fit, `given` the arguments of the run that were Python objects.
    """
    lost = Counter(label for label, found in zip(labels, located, strict=True) if label is not None and not found)
    if not lost:
        return "Every labelled answer was located: ask other questions, or judge the answers otherwise (--correct)"
    method = "extract" if settings.exact_answer == "first_line" else "first_line"
    if given:
        again = f"interp.resume({str(out)!r}, {', '.join(f'{name}=…' for name in given)}, exact_answer={method!r})"
    else:
        again = f"interp resume {quote(str(out))} --exact-answer {method}"
    return (
        f"{lost[False]} wrong and {lost[True]} right answers have no exact answer by the method "
        f"{settings.exact_answer or 'chosen'!r}. Nothing is lost: go on with `{again}`, or another method, candidates, "
        "an answer pattern, another rule, or the population `all`"
    )
