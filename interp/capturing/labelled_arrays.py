"""Positions and a Capture as xarray Datasets, under the labels that grids have: sample, layer, token, head."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from interp.support.arguments import one_of, several_texts
from interp.support.arrays import read_array

if TYPE_CHECKING:
    from interp.capturing.activations import Capture
    from interp.capturing.positions import Positions

WIDTHS = {"mlp_post": "d_mlp", "z": "d_heads"}
"""The axis of a site's vectors; of all others it is the residual stream's, `d_model`."""


def positions_dataset(positions: "Positions") -> xr.Dataset:
    """`Positions.to_xarray`."""
    tokens = {"position": positions.index, **({} if positions.first is None else {"position_first": positions.first})}
    valid = positions.valid.numpy(force=True)
    ledger = positions.ledger
    ids = [str(i) for i in range(len(positions))] if ledger is None else ledger.sample.tolist()
    reason = {} if ledger is None else {"reason": (("sample", "token"), ledger.reason)}
    return xr.Dataset(
        {
            **{name: (("sample", "token"), np.where(valid, at.numpy(force=True), -1)) for name, at in tokens.items()},
            "valid": (("sample", "token"), valid),
            **reason,
            "n_prompt": ("sample", positions.n_prompt.numpy(force=True)),
            "n": ("sample", positions.n.numpy(force=True)),
        },
        coords=_labels(ids, positions.roles),
    )


def capture_dataset(cap: "Capture", names: str | Sequence[str] | None) -> xr.Dataset:
    """`Capture.to_xarray`."""
    axes: dict[str, tuple[str, ...]] = {
        **{site: ("sample", "layer", "token", WIDTHS.get(site, "d_model")) for site in cap.sites},
        **dict.fromkeys(cap.attention, ("sample", "layer", "head", "token")),
    }
    arrays: dict[str, Any] = {**cap.sites, **cap.attention}
    for name, of in (("embed", ("sample", "token", "d_model")), ("question_embed", ("sample", "d_model"))):
        if getattr(cap, name) is not None:
            axes[name], arrays[name] = of, getattr(cap, name)
    chosen = (
        list(arrays) if names is None else [one_of("names", name, arrays) for name in several_texts("names", names)]
    )
    valid = cap.valid.numpy(force=True)
    return xr.Dataset(
        {
            **{name: (axes[name], read_array(name, arrays[name])) for name in chosen},
            "valid": (("sample", "token"), valid),
            "position": (("sample", "token"), np.where(valid, cap.index.numpy(force=True), -1)),
        },
        coords=_labels(cap.id, cap.roles) | {"layer": list(cap.layers)},
    )


def _labels(ids: Sequence[str], roles: Sequence[str]) -> dict[str, Any]:
    """Texts as grids hold them: a token's place in the Dataset is its role's name, never a number."""
    return {name: np.asarray(list(labels), dtype=object) for name, labels in (("sample", ids), ("token", roles))}
