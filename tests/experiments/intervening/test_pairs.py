"""Matched pairs: what every pair and every block must be, whatever the samples."""

import re
from dataclasses import replace

import numpy as np
import pytest
import torch
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from patched_by_hand import answers_by_ids

from interp.capturing.activations import Capture
from interp.errors import DataError
from interp.experiments.detecting.given import Given
from interp.experiments.intervening.pairs import exact_ids, matched_pairs
from interp.labelling.template_check import templates
from interp.statistics.samples import Samples


def given_of(n: int, seed: int, groups: int | None = None, kinds: int = 2, words: int = 6) -> Given:
    """Random labels, offsets of two kinds, questions of two templates, exact answers of one or two of few tokens."""
    rng = np.random.default_rng(seed)
    right = rng.random(n) < 0.5
    right[:2] = True, False
    exact = [rng.integers(3, 3 + words, rng.integers(1, 3)).tolist() for _ in range(n)]
    answers = answers_by_ids([[5] * int(k) for k in rng.integers(5, 8, n)], exact, right.tolist(), [[1, 2, 3]] * n)
    names = [f"g{rng.integers(groups)}" if groups else f"g{i}" for i in range(n)]
    asked = [("Where is q{}?", "Name the author of q{}!")[int(rng.integers(kinds))].format(i) for i in range(n)]
    answers = replace(answers, group=names, question=asked)
    first = np.array([at for at, _ in answers.exact_answer_tokens])
    index = np.stack([first - 3 - rng.integers(0, 2, n), first - 1], axis=1)
    valid = np.ones((n, 2), dtype=bool)
    valid[:, 0] = rng.random(n) < 0.8
    cap = Capture(
        sites={"resid_post": torch.zeros(n, 1, 2, 3)}, embed=None, attention={}, valid=torch.from_numpy(valid),
        index=torch.from_numpy(index), layers=(0,), roles=("a", "b"), id=tuple(answers.id),
    )  # fmt: skip
    grid = xr.Dataset(coords={"group": ("sample", np.array(names, dtype=object))})
    samples = Samples.named(right.astype(int), np.zeros(n, dtype=int), names)
    return Given(answers, cap, samples, grid, "resid_post", 1.0)


@settings(max_examples=60)
@given(
    st.integers(6, 40), st.integers(0, 10_000), st.sampled_from([None, 5, 15]), st.sampled_from(["offsets", "roles"])
)
def test_what_holds_for_every_pair_and_block(n, seed, groups, match):
    of = given_of(n, seed, groups)
    try:
        found = matched_pairs(of, match=match, most=None, seed=seed)
    except DataError as error:
        assert "no right and wrong one" in str(error)
        return
    y, group = of.samples.y, np.array(of.grid["group"].values)
    ids, cap = [exact_ids(of.answers, i) for i in range(len(of))], of.capture
    template = templates(of.answers.question)
    first = np.array([at for at, _ in of.answers.exact_answer_tokens])
    offset = np.where(cap.valid.numpy(), cap.index.numpy() - first[:, None], 99)
    assert (y[found.right] == 1).all() and (y[found.wrong] == 0).all()
    assert len(set(found.right) | set(found.wrong)) == 2 * len(found)  # each sample once
    for i, j in zip(found.right, found.wrong, strict=True):
        assert template[i] == template[j] and group[i] != group[j] and ids[i] != ids[j]
        assert (cap.valid[i] == cap.valid[j]).all()
        assert match == "roles" or (offset[i] == offset[j]).all()
    # Runs: two of every pair, each given the other's state; or that of a sample with its own label, of its block.
    assert (y[found.recipient] == 1 - y[found.donor]).all() and (found.recipient[::2] == found.wrong).all()
    there = found.alike >= 0
    assert (y[found.alike[there]] == y[found.recipient[there]]).all()
    run_block = found.block.repeat(2)
    block_of = dict(zip(found.recipient.tolist(), run_block.tolist(), strict=True))
    for i, j, block in zip(found.recipient[there], found.alike[there], run_block[there], strict=True):
        assert i != j and group[i] != group[j] and block_of[j] == block
        assert template[i] == template[j] and (cap.valid[i] == cap.valid[j]).all()
        assert match == "roles" or (offset[i] == offset[j]).all()
    # Blocks share no group.
    blocks = {}
    for i, block in block_of.items():
        blocks.setdefault(group[i], set()).add(block)
    assert all(len(some) == 1 for some in blocks.values())
    assert set(found.block) == set(range(len(set(found.block))))


def test_all_that_can_be_paired_are():
    """Of one template and offset: as many as there are of the rarer label, none alone but where there is one pair."""
    of = given_of(40, 3, kinds=1, words=200)
    found = matched_pairs(of, match="roles", most=None, seed=0)
    valid, y = of.capture.valid.numpy()[:, 0], of.samples.y
    expected = sum(min((y[valid == v] == 1).sum(), (y[valid == v] == 0).sum()) for v in (True, False))
    assert len(found) == expected and (found.other >= 0).sum() >= expected - 1
    sizes = np.unique(found.block, return_counts=True)[1]
    assert set(sizes) <= {1, 2, 3}


@pytest.mark.parametrize("most", [1, 2, 5, 8])
def test_a_limit_takes_blocks_of_all_there_are(most):
    of = given_of(60, 1)
    every, some = (matched_pairs(of, match="offsets", most=k, seed=0) for k in (None, most))
    assert 1 <= len(some) <= most
    assert set(zip(some.right, some.wrong, strict=True)) <= set(zip(every.right, every.wrong, strict=True))
    assert most == 1 or len(some) >= most - 2  # blocks are of two or three


def test_the_seed_draws():
    of = given_of(40, 2)
    one, again, other = (matched_pairs(of, match="roles", most=8, seed=s) for s in (0, 0, 1))
    assert all((getattr(one, name) == getattr(again, name)).all() for name in ("right", "wrong", "other", "block"))
    assert one.right.tolist() != other.right.tolist()


def test_a_sample_without_an_exact_answer_takes_no_part():
    of = given_of(40, 2)
    spans = [None if i < 20 else span for i, span in enumerate(of.answers.exact_answer_tokens)]
    found = matched_pairs(
        replace(of, answers=replace(of.answers, exact_answer_tokens=spans)), match="roles", most=None, seed=0
    )
    assert min(found.right.min(), found.wrong.min()) >= 20


def test_no_pair_is_a_sentence_that_says_what_to_do():
    of = given_of(20, 0)
    same = replace(of, answers=replace(of.answers, completion_ids=[[1, 2, 7, 7, 3]] * 20, exact_answer_tokens=[(len(p) + 2, len(p) + 2) for p in of.answers.prompt_ids]))  # fmt: skip
    for match, advice in (("offsets", "take match='roles', or more samples"), ("roles", "take more samples")):
        with pytest.raises(DataError, match=rf"pairs: of 20 samples .*{re.escape(advice)}$"):
            matched_pairs(same, match=match, most=None, seed=0)
