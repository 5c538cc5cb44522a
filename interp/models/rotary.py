"""Rotary factors that Hugging Face changes with the length of a pass: held at those of short texts.

`longrope` (Phi-3, Phi-4) and `dynamic` choose their factors by the longest text of a batch, keys in a cache keep those
they were made with: a sample's numbers would depend on its batch and on the pieces of its pass. Up to the length that
the model was made for (`architecture.context`) the factors are those of short texts, so these are kept whatever comes.
"""

from typing import Any

import torch

CHANGING = ("longrope", "dynamic")
HELD = "held"


def hold_rotary(hf_model: torch.nn.Module) -> None:
    """Keep every rotary embedding of a Hugging Face model at the factors for short texts, in place."""
    for module in hf_model.modules():
        kinds: Any = getattr(module, "rope_type", None)
        if isinstance(kinds, str):
            if _changes(kinds):
                _reset(module, "")
                module.rope_type = HELD  # type: ignore[assignment]
        elif isinstance(kinds, dict):  # one for each kind of layer
            for kind in [kind for kind, rope_type in kinds.items() if _changes(rope_type)]:
                _reset(module, f"{kind}_")
                module.rope_type = {**module.rope_type, kind: HELD}  # type: ignore[assignment,dict-item]


def _changes(rope_type: str) -> bool:
    return any(name in rope_type for name in CHANGING)


def _reset(module: torch.nn.Module, prefix: str) -> None:
    """A longer text may have passed before."""
    factors, short = getattr(module, f"{prefix}inv_freq"), getattr(module, f"{prefix}original_inv_freq")
    setattr(module, f"{prefix}inv_freq", short.to(factors.device))
