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


def lost_answers(labels: Sequence[bool | None], located: Bool[np.ndarray, " sample"]) -> Counter[bool]:
    """How many right and wrong answers were not located."""
    return Counter(label for label, found in zip(labels, located, strict=True) if label is not None and not found)


def with_another_method(out: Path, settings: Settings, given: Sequence[str]) -> str:
    """The command that goes on with a run and locates its answers otherwise.

    `given` are the arguments of the run that were Python objects: then it is a call.
    """
    method = "extract" if settings.exact_answer == "first_line" else "first_line"
    if given:
        return f"interp.resume({str(out)!r}, {', '.join(f'{name}=…' for name in given)}, exact_answer={method!r})"
    return f"interp resume {quote(str(out))} --exact-answer {method}"
