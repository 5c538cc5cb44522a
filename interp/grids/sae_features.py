"""The features of sparse autoencoders in place of the vectors they read: what a grid of the site `sae:FOLDER` is of."""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from interp.capturing.activations import Capture
from interp.capturing.sparse_autoencoder import SparseAutoencoder, read_saes, vectors_of
from interp.support.arguments import path as path_of

PREFIX = "sae:"


@dataclass(frozen=True)
class SaeFeatures:
    """Indexed as an array `sample layer role feature`, one cell at a time; computed when it is asked for."""

    saes: list[SparseAutoencoder]
    vectors: list[Any]
    """Per layer the captured array `sample layer role width`."""
    at: list[int]
    """Where the layer stands in it."""

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """As of the whole array."""
        n, _, n_roles, _ = self.vectors[0].shape
        return n, len(self.saes), n_roles, len(self.saes[0].b_enc)

    def __getitem__(self, key: tuple[Any, int, int]) -> Float[Tensor, "sample feature"]:
        samples, layer, role = key
        return self.saes[layer].encode(torch.as_tensor(self.vectors[layer][samples, self.at[layer], role]))


def is_sae(site: object) -> bool:
    """Whether a site names a folder of SAEs."""
    return isinstance(site, str) and site.startswith(PREFIX)


def sae_features(cap: Capture, site: str) -> tuple[SaeFeatures, tuple[int, ...]]:
    """The features, and the layers of the vectors that they are of. Raises DataError for what does not fit."""
    saes = read_saes(path_of("site", site.removeprefix(PREFIX)))
    places = [vectors_of(cap, sae) for sae in saes]
    features = SaeFeatures(saes, [cap.sites[of] for of, _ in places], [cap.layers.index(layer) for _, layer in places])
    return features, tuple(layer for _, layer in places)
