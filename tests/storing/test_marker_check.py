"""A shard's marker is believed if its tensors fit its samples and roles; how large its file is, is computed."""

from dataclasses import replace

import pytest
import torch
from drawn_shards import ROLES, write

from interp.storing.marker_check import file_size, fits
from interp.storing.shard_files import Shard, finished_shards, shard_path

pytestmark = pytest.mark.usefixtures("as_users_run_it")  # else the tests' own types refuse it before we do


@pytest.fixture(scope="module")
def marker(tmp_path_factory) -> Shard:
    folder = tmp_path_factory.mktemp("shards")
    write(folder, [["a", "b", "c"]])
    (shard,) = finished_shards(folder)
    assert file_size(shard.tensors) == shard.size == shard_path(folder, 0).stat().st_size
    return shard


def test_what_was_written_fits(marker) -> None:
    assert fits(marker) and marker.roles == ROLES


@pytest.mark.parametrize("change", [{"index": "0"}, {"size": -1}, {"size": True}, {"batches": 1.0}, {"run": None}])
def test_counts_and_texts(marker, change) -> None:
    assert not fits(replace(marker, **change))


@pytest.mark.parametrize("change", [{"sample_ids": ("a", "b")}, {"sample_ids": ("a", "b", 3)}, {"roles": ("a",)}])
def test_samples_and_roles_are_those_of_the_tensors(marker, change) -> None:
    assert not fits(replace(marker, **change))


@pytest.mark.parametrize(
    "spec",
    [
        None,
        {"dtype": "float32"},
        {"dtype": "load", "shape": [3, 2]},
        {"dtype": "int64", "shape": [3, 2]},
        {"dtype": "float32", "shape": []},
        {"dtype": "float32", "shape": [3, 2, 5, 5]},
        {"dtype": "float32", "shape": [3, -2]},
        {"dtype": "float32", "shape": [3, 2.0]},
        {"dtype": "float32", "shape": [4, 2]},
        {"dtype": "float32", "shape": [3, 1 << 62]},
        {"dtype": "float32", "shape": [3, 2], "more": 1},
    ],
)
def test_every_tensor_is_described(marker, spec) -> None:
    assert not fits(replace(marker, tensors=marker.tensors | {"embed": spec}))


def test_without_roles_there_is_no_shard(marker) -> None:
    assert not fits(replace(marker, tensors={key: one for key, one in marker.tensors.items() if key != "valid"}))
    assert not fits(replace(marker, tensors=[]))


def test_the_size_of_a_file_is_that_of_safetensors(tmp_path) -> None:
    from safetensors.torch import save

    tensors = {"a": torch.zeros(3, 2), "b": torch.zeros(3, 5, dtype=torch.bfloat16)}
    specs = {key: {"dtype": str(one.dtype)[6:], "shape": [*one.shape]} for key, one in tensors.items()}
    assert file_size(specs) == len(save(tensors))
