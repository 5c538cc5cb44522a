"""Whether every weight of a model came from its files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from interp.errors import ModelError


def check_complete(hf_model: Any, said: Mapping[str, Any], where: str | Path) -> None:
    """Raise ModelError if some parameters were not in the files: transformers draws those at random, with a warning."""
    missing = sorted({*said["missing_keys"]} & {name for name, _ in hf_model.named_parameters()})
    if missing:
        raise ModelError(
            f"{where}: {len(missing)} weights of {type(hf_model).__name__} are not in its files, the first is "
            f"{missing[0]!r}; they would be random numbers: give the folder of a whole causal language model, whose "
            "weights have the names of its class"
        )
