"""Which site of which block a hook's name means, by TransformerLens's names, its aliases, or Hugging Face's modules."""

import re

from interp.errors import DataError
from interp.models.hooked import hook_name

SITES = ("resid_post", "resid_pre", "resid_mid", "attn_out", "mlp_out", "mlp_post", "z")
ALIASES = {"hook_out": "resid_post", "hook_in": "resid_pre"}
"""What TransformerBridge calls the ends of a block; its other names are of modules, not of sums in the stream."""
BLOCK = re.compile(r"(?:model\.|language_model\.|transformer\.|gpt_neox\.|decoder\.)*(?:layers|h|blocks)\.(\d{1,5})")
"""The module of a block, whose output is the residual stream after it."""


def place_of(name: str) -> tuple[str, int]:
    """Site and block. Raises DataError for the name of anything else."""
    if module := BLOCK.fullmatch(name):
        return "resid_post", int(module[1])
    point = re.fullmatch(r"blocks\.(\d{1,5})\..+", name)
    if point:
        layer = int(point[1])
        by_name = {hook_name(site, layer): site for site in SITES}
        by_name |= {f"blocks.{layer}.{alias}": site for alias, site in ALIASES.items()}
        if name in by_name:
            return by_name[name], layer
    raise DataError(
        f"hook: {name!r} is no site that interp knows: expected `blocks.7.hook_resid_post` or another of "
        f"{', '.join(SITES)}, `blocks.7.hook_out`, or the module of a block, as `model.layers.7`"
    )


def other_names(site: str, layer: int) -> tuple[str, ...]:
    """Under which other names a cache may hold a site."""
    return tuple(f"blocks.{layer}.{alias}" for alias, meant in ALIASES.items() if meant == site)
