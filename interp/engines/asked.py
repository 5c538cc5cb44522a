"""Which engine is asked for, and what it is refused for before anything is begun."""

from pathlib import Path
from typing import Any

from interp.errors import DataError, RunError
from interp.support.arguments import one_of, one_text

ENGINES = ("local", "ray")


def check_engine(engine: Any, address: Any, model: Any) -> None:
    """Raise DataError for an engine that there is none of, RunError for one that cannot be asked for like this."""
    one_of("engine", engine, ENGINES)
    if address is not None:
        one_text("address", address)
        if engine != "ray":
            raise DataError(f"address: is that of a Ray cluster, and the engine is {engine!r}; give engine='ray' too")
    if engine == "ray" and model is not None and not isinstance(model, str | Path):
        raise RunError(
            f"engine='ray' loads the model in every worker, by its name or path, and got a {type(model).__name__}: "
            "save it to a folder that the workers see and give that, or use engine='local'"
        )
