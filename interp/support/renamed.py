"""Names that have become others: the old ones go on working for one release, with a warning."""

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from types import ModuleType
from warnings import warn


def renamed(module: str, names: Mapping[str, str], *, depth: int = 2) -> Callable[[str], object]:
    """The `__getattr__` of a module whose `names` are served from their new homes: {old: "new.module.name"}.

    A FutureWarning, which Python shows to everybody, says what to write instead; anything else is an AttributeError.
    `depth` counts the calls from here to the line that it is to name.
    """

    def serve(name: str) -> object:
        if name not in names:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        home, _, new = names[name].rpartition(".")
        now = f"{home}.{new}; the old name goes with the next release"
        warn(f"{module}.{name} is now {now}", FutureWarning, stacklevel=depth)
        return getattr(import_module(home), new)

    return serve


def old_module(module: str, names: Mapping[str, str]) -> ModuleType:
    """A module that no file holds any more: `import module` goes on working, its `names` are served as `renamed`."""
    empty = ModuleType(module, "Kept for one release.")
    empty.__getattr__ = renamed(module, names)  # type: ignore[method-assign]
    sys.modules[module] = empty
    return empty
