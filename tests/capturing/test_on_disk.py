"""An array of the user's own that gives tensors for what is asked: a Capture takes it where it takes a tensor."""

import numpy as np
import pytest
import torch
from torch import Tensor

import interp
from interp.capturing.on_disk import OnDisk
from interp.demo import planted
from interp.grids.features import read_features
from interp.storing.stored_capture import Stored


class Counted(OnDisk):
    """A tensor that keeps account of what is read of it."""

    def __init__(self, values: Tensor) -> None:
        self.values, self.shape, self.dtype, self.read = values, tuple(values.shape), values.dtype, 0

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: object) -> Tensor:
        found = self.values[key]
        self.read = max(self.read, found.numel())
        return found


def test_what_lacks_a_part_is_no_array():
    for lacking in ("__getitem__", "__len__", "ndim"):
        parts = {name: getattr(Counted, name) for name in ("__getitem__", "__len__", "ndim") if name != lacking}
        with pytest.raises(TypeError, match=lacking):
            type("Partial", (OnDisk,), parts)()
    assert issubclass(Stored, OnDisk)


def test_the_features_of_a_cell_are_those_of_the_tensor_and_only_they_are_read():
    cap, _ = planted(60)
    counted = Counted(cap.sites["resid_post"])
    on_disk = interp.Capture(**(vars(cap) | {"sites": {"resid_post": counted}}))
    assert on_disk.resid is counted and len(on_disk) == 60
    ours, theirs = read_features(on_disk), read_features(cap)
    for layer, role in np.ndindex(len(cap.layers), len(cap.roles)):
        index = np.arange(layer, 60, 2)
        np.testing.assert_array_equal(ours.column(index, layer, role), theirs.column(index, layer, role))
    assert counted.read == 30 * counted.shape[-1]


def test_some_samples_of_it_are_those_of_the_tensor():
    cap, _ = planted(20)
    on_disk = interp.Capture(**(vars(cap) | {"sites": {"resid_post": Counted(cap.sites["resid_post"])}}))
    assert torch.equal(on_disk[[4, 1]].resid, cap[[4, 1]].resid)
