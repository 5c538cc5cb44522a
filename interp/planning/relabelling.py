"""A run whose answers are there and not yet labelled may be told anew how they are to be labelled and located."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from interp.answering.labelling_models import split_given
from interp.settings import Settings

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
