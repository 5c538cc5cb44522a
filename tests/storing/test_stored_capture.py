"""A run folder's arrays: indexed like tensors, read a layer or a cell at a time, and the same grids come out."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import xarray as xr

import interp
from interp.capturing.activations import Capture
from interp.capturing.positions import Positions
from interp.engines.units import Local
from interp.errors import RunError
from interp.fitting.workers import worker_count
from interp.storing.shard_files import finished_shards
from interp.storing.shard_io import ShardReader
from interp.storing.shards import SHARD_SAMPLES, nonfinite_counts, shard_ranges, write_shards
from interp.storing.stored_capture import stored_capture

ROLES = ("last_q", "exact_answer_first", "-1")
N, LAYERS, HEADS, WIDTH = 90, 2, 3, 6
SIZES = (40, 3, 1, 30, 16)


@pytest.fixture(scope="module")
def whole() -> Capture:
    """Ninety samples in memory: the first role is absent in some, and correct samples differ in one direction."""
    generator = torch.Generator().manual_seed(0)
    valid = torch.ones(N, len(ROLES), dtype=torch.bool)
    valid[::7, 0] = False
    vectors = torch.randn(N, LAYERS + 1, len(ROLES), WIDTH, generator=generator)
    vectors[..., 0] += 0.8 * labels()[:, None, None]
    attention = torch.rand(2, N, LAYERS, HEADS, len(ROLES), generator=generator)
    attention[1, :, :, 1, 2] = torch.nan
    vectors = vectors.masked_fill(~valid[:, None, :, None], torch.nan).bfloat16()
    return Capture(
        sites={"resid_post": vectors[:, 1:]},
        embed=vectors[:, 0],
        attention={"entropy": attention[0], "lookback": attention[1].masked_fill(~valid[:, None, None], torch.nan)},
        valid=valid,
        index=torch.where(valid, 5, -1),
        layers=tuple(range(LAYERS)),
        roles=ROLES,
        id=tuple(f"s{i}" for i in range(N)),
        question_embed=torch.where(torch.arange(N) % 5 == 2, torch.nan, torch.arange(N))[:, None].repeat(1, 4),
    )


def labels() -> torch.Tensor:
    return torch.arange(N) % 2


def positions(cap: Capture) -> Positions:
    ones, span = torch.ones(N, dtype=torch.long), torch.zeros(N, 2, dtype=torch.long)
    return Positions(cap.index, cap.valid, ROLES, 4 * ones, 9 * ones, span, span)


def part(cap: Capture, samples: list[int]) -> Capture:
    return Capture(
        sites={site: tensor[samples] for site, tensor in cap.sites.items()},
        embed=cap.embed[samples],
        attention={metric: tensor[samples] for metric, tensor in cap.attention.items()},
        valid=cap.valid[samples],
        index=cap.index[samples],
        layers=cap.layers,
        roles=cap.roles,
        id=tuple(cap.id[i] for i in samples),
        question_embed=None if cap.question_embed is None else cap.question_embed[samples],
    )


def batches(cap: Capture, skip: int = 0):
    """Batches of unequal sizes in an order that is not the input's."""
    order = np.random.default_rng(0).permutation(N)
    for indices in np.split(order, np.cumsum(SIZES)[:-1])[skip:]:
        yield indices.tolist(), part(cap, indices.tolist())


class Some:
    """Batches that are there already, as a worker would capture them."""

    def __init__(self, cap: Capture, first: int, stop: int, captured: list[str]) -> None:
        self.parts, self.captured = [part for _, part in batches(cap, first)][: stop - first], captured
        self.batches = tuple(map(str, range(first, stop)))
        self.samples = sum(len(part.id) for part in self.parts)

    def __call__(self, worker):
        for part in self.parts:
            self.captured.extend(part.id)
            yield part


def stored(folder, cap: Capture) -> list[str]:
    """Write the shards that are missing; the ids that were captured for them."""
    captured: list[str] = []
    cut = lambda first, stop: Some(cap, first, stop, captured)  # noqa: E731
    write_shards(folder, SIZES, cut, run="r", roles=ROLES, engine=Local(None))
    return captured


@pytest.fixture
def folder(whole, tmp_path):
    stored(tmp_path, whole)
    return tmp_path


def same(a: torch.Tensor, b: torch.Tensor) -> bool:
    return a.dtype == b.dtype and torch.equal(torch.nan_to_num(a, nan=7.0), torch.nan_to_num(b, nan=7.0))


@pytest.mark.parametrize("keep", [0, 1 << 28])
def test_stored_arrays_are_indexed_like_the_tensors_they_stand_for(folder, whole, keep) -> None:
    cap = stored_capture(folder, whole.id, positions(whole), run="r")
    for stored in (*cap.sites.values(), cap.embed, *cap.attention.values()):
        stored.keep = keep
    some = np.array([3, 88, 0, 41])
    for samples in (some, slice(None), torch.arange(N) % 3 == 0):
        for layer in range(LAYERS):
            for role in (*range(len(ROLES)), slice(None)):
                assert same(cap.sites["resid_post"][samples, layer, role], whole.resid[samples, layer, role])
                assert same(
                    cap.attention["entropy"][samples, layer, :, role],
                    whole.attention["entropy"][samples, layer, :, role],
                )
        assert same(cap.sites["resid_post"][samples, 1], whole.resid[samples, 1])
        assert same(cap.embed[samples, 2], whole.embed[samples, 2])
    assert cap.sites["resid_post"].shape == whole.resid.shape and cap.embed.shape == whole.embed.shape
    assert cap.attention["entropy"].shape == whole.attention["entropy"].shape


MASK = torch.arange(N) % 4 == 1
KEYS = (
    3, -1, np.int64(5), torch.tensor(2), slice(None), slice(4, 40, 3), slice(0, 0), [1, -2, 1], [], range(3), ..., MASK,
    np.arange(5)[::-1].copy(), MASK.numpy(), MASK[:, None] & torch.tensor([True, False]),
    (slice(None), 1), (slice(None), -1), (slice(None), slice(None, 1)), (slice(None), slice(0, 0)), (..., -1), (..., 1, 2),
    (slice(5), [1, 0]), (7, 1, 2), (7, slice(None), 2), (slice(None), slice(None), [2, 0]), (slice(None), 0, ..., [0, -1]),
    ([3, 88, 0], slice(None), 1), ([3, 88], [0, 1]), ([[3], [88]], [0, 1], 2), ([3, 88], slice(None), [0, 2]), (MASK, 1, -2),
    (2, [0, 1], slice(None), [1, 0]), (MASK, [True, False], 0), (slice(None), torch.tensor([1]), 0, 0),
    (slice(None), 1, slice(1, None), slice(0, None, 2)), (np.array([9, 9]), 1, np.array([0, 1]), [1, 2]), (..., [2, 0], 1),
)  # fmt: skip


@pytest.mark.parametrize("keep", [0, 1 << 28])
@pytest.mark.parametrize("key", KEYS, ids=lambda key: repr(key)[:40])
def test_any_key_gives_what_the_tensor_gives(folder, whole, keep, key) -> None:
    cap = stored_capture(folder, whole.id, positions(whole), run="r")
    for stored, tensor in ((cap.resid, whole.resid), (cap.attention["entropy"], whole.attention["entropy"])):
        stored.keep = keep
        assert same(stored[key], tensor[key])


@pytest.mark.parametrize(
    "key", [0, -1, slice(3, 9), [4, 1], MASK, (..., 2), ([1, 2], -1), (5, [0, 1], 3), (slice(2), 1, [0, 5])]
)
def test_any_key_of_the_control_row_too(folder, whole, key) -> None:
    assert same(stored_capture(folder, whole.id, positions(whole), run="r").embed[key], whole.embed[key])


@pytest.mark.parametrize(
    "key", [N, (0, LAYERS), (0, -LAYERS - 1), (0, 0, 0, 0, 0), [N], (..., ...), MASK[:-1], (0, [2]), 0.5, [0.5]]
)
def test_what_is_not_there_is_an_index_error_as_of_a_tensor(folder, whole, key) -> None:
    with pytest.raises(IndexError):
        stored_capture(folder, whole.id, positions(whole), run="r").resid[key]


def test_of_several_layers_each_is_read_once_and_no_other(folder, whole, monkeypatch) -> None:
    stored = stored_capture(folder, whole.id, positions(whole), run="r").resid
    stored.keep, asked, read = 0, [], ShardReader.read
    monkeypatch.setattr(
        ShardReader, "read", lambda self, *a, layer=None, **k: asked.append(layer) or read(self, *a, layer=layer, **k)
    )
    assert same(stored[[3, 4, 5], [1, 1, 1]], whole.resid[[3, 4, 5], [1, 1, 1]]) and asked == [1]
    assert same(stored[:2, [1, 0, 1]], whole.resid[:2, [1, 0, 1]]) and asked == [1, 0, 1]


@pytest.mark.parametrize("keep", [0, 1 << 28])
@pytest.mark.parametrize(
    "key", [0, -1, slice(3, 9), [4, 1], MASK, (..., 2), ([1, 2], -1), (5, [0, 1]), np.array([9, 9])]
)
def test_any_key_of_the_questions_embedding_which_has_neither_layers_nor_roles(folder, whole, keep, key) -> None:
    stored = stored_capture(folder, whole.id, positions(whole), run="r").question_embed
    stored.keep = keep
    assert stored.shape == (N, 4) and same(stored[key], whole.question_embed[key])
    reader = ShardReader(folder)
    with pytest.raises(RunError, match="has one vector per sample, for all roles; leave the role out"):
        reader.read("question_embed", role="-1")
    assert nonfinite_counts(folder) == {}  # NaN where no question was located, on purpose


def test_a_run_from_before_the_questions_embedding_opens_without_it(whole, tmp_path) -> None:
    old = replace(whole, question_embed=None)
    stored(tmp_path, old)
    cap = stored_capture(tmp_path, whole.id, positions(whole), run="r")
    assert cap.question_embed is None and same(cap.resid[:], whole.resid)
    assert "question_embed" not in ShardReader(tmp_path).keys


def test_an_axis_cannot_be_added(folder, whole) -> None:
    stored = stored_capture(folder, whole.id, positions(whole), run="r").resid
    for key in (None, True, (0, None), np.True_):
        with pytest.raises(IndexError, match="add an axis"):
            stored[key]


def test_stored_arrays_become_numpy_arrays_and_features(folder, whole) -> None:
    cap = stored_capture(folder, whole.id, positions(whole), run="r")
    array = np.asarray(cap.resid)
    assert array.dtype == np.float32 and len(cap.resid) == N and cap.resid.ndim == 4
    np.testing.assert_array_equal(array, whole.resid.float().numpy())
    np.testing.assert_array_equal(np.asarray(cap.attention["entropy"]), whole.attention["entropy"].numpy())
    assert np.asarray(cap.embed, dtype=np.float64).dtype == np.float64
    options = {"valid": whole.valid, "roles": ROLES, "n_jobs": 1}
    xr.testing.assert_identical(
        interp.probe_grid(cap.resid[:, :1], labels(), **options),
        interp.probe_grid(whole.resid[:, :1], labels(), **options),
    )
    joined = Capture.concat([cap, replace(cap, id=tuple(f"again {i}" for i in whole.id))])
    assert same(joined.resid, torch.cat([whole.resid] * 2)) and same(joined.embed, torch.cat([whole.embed] * 2))
    assert (
        repr(cap) == "Capture(90 samples, 2 layers, 3 roles; sites: resid_post; attention metrics: entropy, lookback)"
    )


def test_a_layer_too_large_to_keep_is_never_read_whole(folder, whole, monkeypatch) -> None:
    cap = stored_capture(folder, whole.id, positions(whole), run="r")
    for stored in (*cap.sites.values(), cap.embed, *cap.attention.values()):
        stored.keep = 0
    asked = []
    read = ShardReader.read
    monkeypatch.setattr(
        ShardReader, "read", lambda self, *a, role=None, **k: asked.append(role) or read(self, *a, role=role, **k)
    )
    interp.probe_grid(cap, labels(), n_jobs=1)
    interp.attention_grid(cap, labels(), n_jobs=1)
    assert asked and None not in asked


@pytest.mark.parametrize("keep", [0, 1 << 28])
def test_the_grids_are_those_of_the_capture_in_memory(folder, whole, keep) -> None:
    cap = stored_capture(folder, whole.id, positions(whole), run="r")
    for stored in (*cap.sites.values(), cap.embed, *cap.attention.values()):
        stored.keep = keep
    for grid in (interp.probe_grid, interp.attention_grid):
        xr.testing.assert_identical(grid(cap, labels(), n_jobs=1), grid(whole, labels(), n_jobs=1))


def test_samples_that_were_not_captured_are_nan(folder, whole) -> None:
    ids = ("s3", "unknown", "s0")
    resolved = positions(whole)[[3, 5, 0]]
    cap = stored_capture(folder, ids, resolved, run="r")
    assert cap.valid[1].sum() == 0 and cap.valid[0].all()
    assert cap.sites["resid_post"][:, 0, 2].isnan().any(1).tolist() == [False, True, False]


def test_batches_are_grouped_until_a_shard_is_full(folder, whole) -> None:
    shards = finished_shards(folder)
    assert [(len(shard.sample_ids), shard.batches) for shard in shards] == [(74, 4), (16, 1)]
    assert [id for shard in shards for id in shard.sample_ids] == [id for _, b in batches(whole) for id in b.id]
    assert shard_ranges([1] * N) == [(0, SHARD_SAMPLES), (SHARD_SAMPLES, N)] and shard_ranges([]) == []


@pytest.mark.parametrize("gone", [(0,), (1,), (0, 1)])
def test_only_missing_shards_are_captured_again(folder, whole, gone) -> None:
    before = {path: path.read_bytes() for path in folder.iterdir()}
    for index in gone:
        for end in ("json", "safetensors"):
            (folder / f"shard-{index:05}.{end}").unlink()
    captured = stored(folder, whole)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    expected = {0: 74, 1: 16}
    assert len(captured) == sum(expected[index] for index in gone)


def test_overflow_is_summed_over_shards(whole, tmp_path) -> None:
    broken = part(whole, list(range(N)))
    broken.sites["resid_post"][[2, 50], 1, 2, 3] = torch.inf
    broken.sites["resid_post"][0, 1, 0, 3] = torch.inf  # the role is absent there
    stored(tmp_path, broken)
    assert nonfinite_counts(tmp_path) == {"resid_post.1": 2}


def test_workers_are_fewer_where_cells_are_large() -> None:
    from interp.support.machine import usable_cpus, usable_memory

    memory, cpus = usable_memory(), usable_cpus()
    assert worker_count(0) == worker_count(1000) == cpus
    assert worker_count(memory) == 1
    assert worker_count(memory // 8 // 4 // 2 // cpus) == cpus
