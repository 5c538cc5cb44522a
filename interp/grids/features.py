"""What a grid is computed from: a Capture, or a bare array the caller made, brought to one form."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from interp.capturing.activations import Capture, captured_site
from interp.capturing.roles import ROLES
from interp.errors import DataError
from interp.grids.sae_features import is_sae, sae_features
from interp.support.arguments import one_text, several_texts, whole_numbers
from interp.support.arrays import different, in_order, read_array, read_mask
from interp.support.axes import places, some
from interp.support.messages import shown

LARGEST = float(np.finfo(np.float32).max)


def as_array(values: Any) -> np.ndarray:
    """NumPy view of a tensor or array; bfloat16, which NumPy lacks, becomes float32.

    A number beyond float32's range is infinite, as in a model: its square may be beyond float64's, and then there is
    neither a scale nor a score.
    """
    if isinstance(values, Tensor):
        values = values.detach().cpu()
        return as_array(values.float().numpy() if values.dtype == torch.bfloat16 else values.numpy())
    array = np.asarray(values)
    if not np.issubdtype(array.dtype, np.floating) or array.dtype.itemsize <= np.dtype(np.float32).itemsize:
        return array
    beyond = np.abs(array) > LARGEST
    return np.where(beyond, np.copysign(np.inf, array), array) if beyond.any() else array


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
    """Array or tensor `sample layer role width`, with every layer and role that the caller has."""
    valid: Bool[np.ndarray, "sample role"]
    layers: tuple[int, ...]
    """Those that are asked for, in that order; `layer_at`: where they stand in `values`."""
    roles: tuple[str, ...]
    ids: tuple[str, ...]
    layer_at: tuple[int, ...]
    role_at: tuple[int, ...]
    has_exact_answer: Bool[np.ndarray, " sample"] | None = None
    embed: Any = None
    """Array or tensor `sample role width`: the control row."""

    def select(self, layers: Sequence[int] | None, roles: Sequence[str] | None) -> "Features":
        """Only these layers and roles, by label, in the order given (None: all). DataError for one that is not here."""
        layer = places("layers", self.layers if layers is None else layers, self.layers, where="the data")
        role = places("roles", self.roles if roles is None else roles, self.roles, where="the data")
        return replace(
            self,
            valid=self.valid[:, role],
            layers=tuple(self.layers[i] for i in layer),
            roles=tuple(self.roles[i] for i in role),
            layer_at=tuple(self.layer_at[i] for i in layer),
            role_at=tuple(self.role_at[i] for i in role),
        )

    def used(self, index: Int[np.ndarray, " member"]) -> Bool[np.ndarray, "member layer role"]:
        """Where the samples have the role and finite features, one cell at a time to spare memory."""
        finite = np.empty((len(index), len(self.layers), len(self.roles)), bool)
        for layer, role in np.ndindex(finite.shape[1:]):
            finite[:, layer, role] = np.isfinite(self.column(index, layer, role)).all(-1)
        return finite & self.valid[index, None, :]

    def column(self, index: Int[np.ndarray, " member"], layer: int, role: int) -> Float[np.ndarray, "member width"]:
        """Feature vectors of one cell."""
        column = as_array(self.values[index, self.layer_at[layer], self.role_at[role]])
        return column if np.issubdtype(column.dtype, np.floating) else column.astype(np.float64)

    def finite_column(
        self, index: Int[np.ndarray, " member"], layer: int, role: int
    ) -> Float[np.ndarray, "member width"]:
        """`column`, of samples that have a score in a grid. Raises DataError if one has none of the grid's features."""
        column = self.column(index, layer, role)
        if len(odd := np.flatnonzero(~np.isfinite(column).all(1))):
            raise DataError(
                f"data: sample {self.ids[index[odd[0]]]!r} has NaN or infinity at layer {self.layers[layer]}, "
                f"{self.roles[role]}, where it has a score in the grid; give the data that the grid was made from"
            )
        return column

    def control(self) -> "Features | None":
        """The embedding as a grid of one row, or None for a bare tensor."""
        if self.embed is None:
            return None
        return replace(self, values=OneLayer(self.embed), layers=(0,), layer_at=(0,), embed=None)


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

    The site `sae:FOLDER` stands for the features of SAEs of the Capture's vectors.

    A bare array may be a tensor, or anything that NumPy takes (an xarray DataArray, whose axes are read by order).
    `layers`, `roles` and `ids` name its axes. A Capture's have names: there `layers` and `roles` choose, `ids` confirm.
    `valid` is of the roles that are chosen.
    """
    layers = None if layers is None else whole_numbers("layers", layers)
    roles = None if roles is None else several_texts("roles", roles)
    if isinstance(data, Capture):
        values, own_layers = (
            sae_features(data, site) if is_sae(site) else (data.sites[captured_site(data, site)], data.layers)
        )
        check_ids(data, ids)
        own = as_array(data.valid)
        exact = own[:, data.roles.index("exact_answer_first")] if "exact_answer_first" in data.roles else None
        at = tuple(range(len(own_layers))), tuple(range(len(data.roles)))
        whole = Features(values, own, own_layers, data.roles, data.id, *at, exact, data.embed)
        chosen = whole.select(layers, roles)
        return chosen if valid is None else replace(chosen, valid=chosen.valid & _mask(valid, chosen.valid.shape))
    given = data
    one_text("site", site)
    if hasattr(data, "__array__") and not isinstance(data, Tensor | type):
        data = read_array("features", data)
    if not isinstance(data, Tensor | np.ndarray) or data.ndim != 4 or not is_numeric(data):
        hint = "; of a run give run.capture" if hasattr(data, "capture") else ""
        raise DataError(f"features: expected a Capture or an array `sample layer role width`, got {shown(given)}{hint}")
    n, n_layers, n_roles, _ = data.shape
    default_roles = ROLES if n_roles == len(ROLES) else tuple(map(str, range(n_roles)))
    features = Features(
        values=data,
        valid=np.ones((n, n_roles), bool) if valid is None else _mask(valid, (n, n_roles)),
        layers=different("layers", range(n_layers) if layers is None else layers, n_layers),
        roles=different("roles", default_roles if roles is None else roles, n_roles),
        ids=different("ids", map(str, range(n) if ids is None else in_order("ids", ids)), n),
        layer_at=tuple(range(n_layers)),
        role_at=tuple(range(n_roles)),
    )
    if not n_layers or not n_roles:
        raise DataError(f"features: expected at least one layer and one role, got {shown(given)}")
    return features


def check_ids(cap: Capture, ids: Any) -> None:
    """Raise DataError unless `ids`, where given, are the samples of the capture in its order."""
    if ids is not None and tuple(map(str, in_order("ids", ids))) != cap.id:
        raise DataError(
            f"ids: a Capture knows its samples ({some(cap.id)}), and these are others or in another order; leave out "
            "`ids`, and give labels as an Answers, which is matched by id, or as a list in the Capture's order"
        )


def is_numeric(values: Tensor | np.ndarray) -> bool:
    """Whether an array holds real numbers (or truth values)."""
    if isinstance(values, Tensor):
        return not values.is_complex() and not values.is_sparse and not values.is_quantized
    return values.dtype.kind in "biuf"


def question_vectors(data: Any, ids: Sequence[str]) -> Float[np.ndarray, "sample width"] | None:
    """The mean embedding of these samples' questions, by id; None where no capture took it."""
    if not isinstance(data, Capture) or data.question_embed is None:
        return None
    place = {name: i for i, name in enumerate(data.id)}
    return as_array(data.question_embed[[place[name] for name in ids]])


def _mask(valid: Any, shape: tuple[int, ...]) -> Bool[np.ndarray, "sample role"]:
    mask = read_mask("valid", valid)
    if mask.shape != shape:
        raise DataError(f"valid: expected a bool array `sample role` of shape {shape}, got {mask.shape}")
    return mask
