"""What a Capture may hold in place of a tensor: an array on the disk, indexed like the tensor."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor


class OnDisk(ABC):
    """An array that gives tensors for what is asked of it (`interp.storing.stored_capture.Stored`)."""

    shape: tuple[int, ...]
    dtype: torch.dtype

    @property
    @abstractmethod
    def ndim(self) -> int:
        """Number of axes."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def __getitem__(self, key: object) -> Tensor:
        """What the tensor would give for `key`."""
