"""What labels a run's answers besides its settings: rule, judge and extractor, given in Python or by name."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from interp.errors import RunError
from interp.generating.asking import check_asked
from interp.labelling.correctness import JUDGE
from interp.models.loading import HookedModel, load_model
from interp.runs.settings import GIVEN, Settings
from interp.support.arguments import function, mapping

NAMES = ("correct", "judge", "extractor")
"""Options of a run that may be Python objects."""


def split_given(options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Options with names only, as `Settings` keeps them, and the Python objects among them."""
    given = {
        name: _usable(name, options[name])
        for name in NAMES
        if options.get(name) is not None and not isinstance(options[name], str | Path)
    }
    names = {
        name: GIVEN + getattr(value, "__qualname__", type(value).__name__) if name in given else str(value)
        for name, value in options.items()
        if name in NAMES and value is not None
    }
    return {**options, **names}, given


def given_again(given: Mapping[str, Any]) -> dict[str, Any]:
    """What `resume` was given, checked: objects like those that the run began with, and {name: function} as `roles`."""
    roles = mapping("roles", given.get("roles", {}), "{name: function}")
    functions = {name: function(f"roles[{name!r}]", role, "(ids, n_prompt)") for name, role in roles.items()}
    found = {name: given[name] for name in NAMES if given.get(name) is not None}
    objects = {name: value for name, value in found.items() if not isinstance(value, str | Path)}
    return {name: _usable(name, value) for name, value in objects.items()} | {"roles": functions}


def _usable(name: str, value: Any) -> Any:
    """A rule, or a model that can be asked."""
    if name != "correct":
        check_asked(name, value)
        return value
    return function(name, value, "(row, completion)")


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
