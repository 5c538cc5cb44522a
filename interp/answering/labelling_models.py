"""What labels a run's answers besides its settings: rule, judge and extractor, given in Python or by name."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from interp.answering.correctness import JUDGE
from interp.errors import RunError
from interp.models.loading import HookedModel, load_model
from interp.settings import GIVEN, Settings

NAMES = ("correct", "judge", "extractor")
"""Options of a run that may be Python objects."""


def split_given(options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Options with names only, as `Settings` keeps them, and the Python objects among them."""
    given = {
        name: options[name]
        for name in NAMES
        if options.get(name) is not None and not isinstance(options[name], str | Path)
    }
    names = {
        name: GIVEN + getattr(value, "__qualname__", type(value).__name__) if name in given else str(value)
        for name, value in options.items()
        if name in NAMES and value is not None
    }
    return {**options, **names}, given


def labelling_models(settings: Settings, model: HookedModel, given: Mapping[str, Any]) -> dict[str, Any]:
    """`correct`, `judge` and `extractor` for `generate_answers`; only what the settings need is loaded.

    A name that stands twice is loaded once, and the run's own model is not loaded again. Raises RunError if an object
    given in Python when the run began is not given again.
    """
    loaded = {settings.model: model}

    def find(name: str) -> Any:
        wanted = getattr(settings, name)
        if name in given:
            return given[name]
        if wanted is not None and wanted.startswith(GIVEN):
            raise RunError(f"{name} was {wanted}; give it again: interp.resume(…, {name}=…)")
        if name == "correct" or wanted is None:
            return wanted
        if wanted not in loaded:
            loaded[wanted] = load_model(wanted, device=settings.device, dtype=settings.dtype)
        return loaded[wanted]

    return {
        "correct": find("correct"),
        "judge": find("judge") if settings.correct == JUDGE else None,
        "extractor": find("extractor") if settings.exact_answer == "extract" else None,
    }
