"""A shard as bytes, from a worker that does not see where it is to be written to the process that does."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Shaped

from interp.storing.shard_files import Shard


@dataclass(frozen=True)
class Parcel:
    """A shard on its way from a worker that does not see the run's folder."""

    shard: Shard
    data: Shaped[np.ndarray, " byte"]
    """The bytes of its file."""
    sums: tuple[str, ...]
    """Checksums of the header and of every tensor, by the worker that packed them."""
