"""A grid whose layers tell right answers apart in known ways, for the tests of controls."""

import dataclasses

import numpy as np
import torch
import xarray as xr
from planted_answers import make_answers

from interp.capturing.activations import Capture
from interp.grids.probes import probe_grid
from interp.labelling.answers import Answers

N, WIDTH, STRINGS = 360, 72, 60
ROLE = ("exact_answer_first",)
MEMORISED, SHARED, NOISE = 0, 1, 2
"""Layers: which answer it is, a direction common to all correct answers, and nothing."""


def captured(x: np.ndarray, answers: Answers, *, embed: torch.Tensor) -> Capture:
    """The planted vectors as a Capture with an embedding row."""
    return Capture(
        sites={"resid_post": torch.from_numpy(x)},
        embed=embed,
        attention={},
        valid=torch.ones((N, 1), dtype=torch.bool),
        index=torch.zeros((N, 1), dtype=torch.int64),
        layers=(0, 1, 2),
        roles=ROLE,
        id=tuple(answers.id),
    )


def planted(seed: int = 0) -> tuple[np.ndarray, Answers, xr.Dataset]:
    """Every answer string is always right or always wrong; the layers differ in how they tell."""
    rng = np.random.default_rng(seed)
    code = rng.permutation(np.arange(N) % STRINGS)
    y = (rng.permutation(STRINGS) < STRINGS // 2).astype(np.int64)[code]
    x = rng.normal(size=(N, 3, 1, WIDTH)).astype(np.float32)
    x[:, MEMORISED, 0] = 4 * rng.normal(size=(STRINGS, WIDTH))[code] + x[:, MEMORISED, 0]
    x[:, SHARED, 0, 0] += 8 * y
    answers = make_answers(rng, N, exact_answer=[f"Place {k}" for k in code])
    answers = dataclasses.replace(answers, id=[str(i) for i in range(N)])  # the names of a bare array's samples
    grid = probe_grid(x, y, roles=ROLE, n_jobs=1)
    place = 5 + 4 * y + rng.integers(0, 2, N)
    return x, answers, grid.assign(position=(("sample", "token"), place[:, None]))
