"""What a grid is computed from: a Capture, or a bare array the caller made, brought to one form."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from interp.capturing.activations import Capture
from interp.capturing.positions import ROLES
from interp.errors import DataError
from interp.statistics.folds import in_order


def as_array(values: Any) -> np.ndarray:
    """NumPy view of a tensor or array; bfloat16, which NumPy lacks, becomes float32."""
    if isinstance(values, Tensor):
        values = values.detach().cpu()
        return values.float().numpy() if values.dtype == torch.bfloat16 else values.numpy()
    return np.asarray(values)


@dataclass(frozen=True)
class OneLayer:
    """`sample role width` indexed as the one layer of `sample layer role width`."""

    values: Any

    @property
    def shape(self) -> tuple[int, ...]:
        """With the layer axis."""
        n, *rest = self.values.shape
        return n, 1, *rest

    def __getitem__(self, key: tuple[Any, ...]) -> Any:
        samples, _, *rest = key
        return self.values[(samples, *rest)]


@dataclass(frozen=True)
class Features:
    """Feature vectors by sample, layer and role, still in the caller's memory and precision."""

    values: Any
    """Array or tensor `sample layer role width`."""
    valid: Bool[np.ndarray, "sample role"]
    layers: tuple[int, ...]
    roles: tuple[str, ...]
    ids: tuple[str, ...]
    has_exact_answer: Bool[np.ndarray, " sample"] | None = None
    embed: Any = None
    """Array or tensor `sample role width`: the control row."""

    def used(self, index: Int[np.ndarray, " member"]) -> Bool[np.ndarray, "member layer role"]:
        """Where the samples have the role and finite features, one cell at a time to spare memory."""
        finite = np.empty((len(index), len(self.layers), len(self.roles)), bool)
        for layer, role in np.ndindex(finite.shape[1:]):
            finite[:, layer, role] = np.isfinite(as_array(self.values[index, layer, role])).all(-1)
        return finite & self.valid[index, None, :]

    def column(self, index: Int[np.ndarray, " member"], layer: int, role: int) -> Float[np.ndarray, "member width"]:
        """Feature vectors of one cell."""
        column = as_array(self.values[index, layer, role])
        return column if np.issubdtype(column.dtype, np.floating) else column.astype(np.float64)

    def control(self) -> "Features | None":
        """The embedding as a grid of one row, or None for a bare tensor."""
        if self.embed is None:
            return None
        return replace(self, values=OneLayer(self.embed), layers=(0,), embed=None)


def read_features(
    data: Any,
    valid: Any = None,
    *,
    site: str = "resid_post",
    layers: Sequence[int] | None = None,
    roles: Sequence[str] | None = None,
    ids: Any = None,
) -> Features:
    """Features of a Capture's `site`, or of a bare `sample layer role width` array; DataError if shapes do not fit.

    A bare array may be a tensor, or anything that NumPy takes (an xarray DataArray, whose axes are read by order).
    """
    if isinstance(data, Capture):
        if site not in data.sites:
            raise DataError(f"site: {site!r} was not captured (there are {', '.join(data.sites)}); capture it first")
        own = as_array(data.valid)
        exact = own[:, data.roles.index("exact_answer_first")] if "exact_answer_first" in data.roles else None
        both = own if valid is None else own & _mask(valid, own.shape)
        return Features(data.sites[site], both, data.layers, data.roles, data.id, exact, data.embed)
    if hasattr(data, "__array__") and not isinstance(data, Tensor):
        data = np.asarray(data)
    if not isinstance(data, (Tensor, np.ndarray)) or data.ndim != 4:
        what = f"shape {tuple(data.shape)}" if hasattr(data, "shape") else type(data).__name__
        raise DataError(f"features: expected a Capture or an array `sample layer role width`, got {what}")
    n, n_layers, n_roles, _ = data.shape
    default_roles = ROLES if n_roles == len(ROLES) else tuple(map(str, range(n_roles)))
    features = Features(
        values=data,
        valid=np.ones((n, n_roles), bool) if valid is None else _mask(valid, (n, n_roles)),
        layers=tuple(range(n_layers) if layers is None else layers),
        roles=tuple(default_roles if roles is None else roles),
        ids=tuple(map(str, range(n) if ids is None else in_order("ids", ids))),
    )
    for name, labels, size in (
        ("layers", features.layers, n_layers),
        ("roles", features.roles, n_roles),
        ("ids", features.ids, n),
    ):
        if len(labels) != size or len(set(labels)) != size:
            raise DataError(
                f"{name}: expected {size} different labels, got {len(labels)} ({len(set(labels))} different)"
            )
    return features


def question_vectors(data: Any, ids: Sequence[str]) -> Float[np.ndarray, "sample width"] | None:
    """The mean embedding of these samples' questions, by id; None where no capture took it."""
    if not isinstance(data, Capture) or data.question_embed is None:
        return None
    place = {name: i for i, name in enumerate(data.id)}
    return as_array(data.question_embed[[place[name] for name in ids]])


def _mask(valid: Any, shape: tuple[int, ...]) -> Bool[np.ndarray, "sample role"]:
    mask = as_array(valid)
    if mask.shape != shape:
        raise DataError(f"valid: expected a bool array `sample role` of shape {shape}, got {mask.shape}")
    return mask.astype(bool)
