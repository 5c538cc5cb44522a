"""The vectors of one cell of a Capture, by the labels of its axes."""

import torch
from jaxtyping import Float
from torch import Tensor

from interp.capturing.activations import Capture, captured_site
from interp.support.arguments import one_of


def cell_vectors(cap: Capture, *, layer: int, role: str, site: str) -> Float[Tensor, "sample width"]:
    """Vectors of one cell. Raises DataError, with what there is, for a site, layer or role that was not captured."""
    site, layer, role = captured_site(cap, site), one_of("layer", layer, cap.layers), one_of("role", role, cap.roles)
    everyone = torch.arange(len(cap.id))
    vectors: Tensor = cap.sites[site][everyone, cap.layers.index(layer), cap.roles.index(role)]
    return vectors
