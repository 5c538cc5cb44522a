"""A run folder's arrays: indexed like tensors, read a layer or a cell at a time, and the same grids come out."""

import numpy as np
import pytest
import torch
import xarray as xr

import interp
from interp.capturing.activations import Capture
from interp.capturing.positions import Positions
from interp.probing.workers import worker_count
from interp.runs.shards import SHARD_SAMPLES, grouped, nonfinite_counts, write_shards
from interp.runs.store import ShardReader, finished_shards
from interp.runs.stored import stored_capture

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
    )


def batches(cap: Capture, skip: int = 0):
    """Batches of unequal sizes in an order that is not the input's."""
    order = np.random.default_rng(0).permutation(N)
    for indices in np.split(order, np.cumsum(SIZES)[:-1])[skip:]:
        yield indices.tolist(), part(cap, indices.tolist())


@pytest.fixture
def folder(whole, tmp_path):
    write_shards(tmp_path, lambda skip: batches(whole, skip), run="r", roles=ROLES)
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
    seen: list[int] = []
    ones = (([i], part(whole, [i])) for i in range(N))
    assert [len(parts) for parts in grouped(ones, seen.append)] == [SHARD_SAMPLES, N - SHARD_SAMPLES]
    assert seen == [1] * N


@pytest.mark.parametrize("gone", [(0,), (1,), (0, 1)])
def test_only_missing_shards_are_captured_again(folder, whole, gone) -> None:
    before = {path: path.read_bytes() for path in folder.iterdir()}
    for index in gone:
        for end in ("json", "safetensors"):
            (folder / f"shard-{index:05}.{end}").unlink()
    captured: list[str] = []

    def again(skip: int):
        for samples, batch in batches(whole, skip):
            captured.extend(batch.id)
            yield samples, batch

    write_shards(folder, again, run="r", roles=ROLES)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    expected = {0: 74, 1: 16}
    assert len(captured) == sum(expected[index] for index in gone)


def test_overflow_is_summed_over_shards(whole, tmp_path) -> None:
    broken = part(whole, list(range(N)))
    broken.sites["resid_post"][[2, 50], 1, 2, 3] = torch.inf
    broken.sites["resid_post"][0, 1, 0, 3] = torch.inf  # the role is absent there
    write_shards(tmp_path, lambda skip: batches(broken, skip), run="r", roles=ROLES)
    assert nonfinite_counts(tmp_path) == {"resid_post.1": 2}


def test_workers_are_fewer_where_cells_are_large() -> None:
    import os

    from joblib import cpu_count

    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert worker_count(0) == worker_count(1000) == cpu_count()
    assert worker_count(memory) == 1
    assert worker_count(memory // 8 // 4 // 2 // cpu_count()) == cpu_count()
