"""All that a run computes from its activations, analysis by analysis: CPU time per cell, one process, one BLAS thread.

    python benchmarks/probing.py             # 837 samples of 64 columns (the demo's) and 1,100 of 640 (Gemma 3 270M's)
    python benchmarks/probing.py --quick     # 120 samples of 8 and of 24
    python benchmarks/against.py --rounds 3 03bb621 benchmarks/probing.py    # beside another revision, in turns

Drawn cells: columns whose spectrum falls as that of activations, one direction that partly says what is right, groups
of three questions, ten answer strings, four heads of four attention metrics. Only public functions are called, with
their defaults (1,000 permutations), so that older revisions run it too; the shape of a cell is real, its values are
not, and how many iterations real ones take is for `flow.py` to say.
"""

import argparse
from typing import Any

import numpy as np
import torch
from measuring import NO_PEER, Figure, cpu, one_thread, parser, print_figures, print_header, print_row, progress

import interp

SHAPES = {"837 x 64": (837, 64, 2, 3), "1,100 x 640": (1100, 640, 1, 3)}
QUICK = {"120 x 8": (120, 8, 2, 2), "120 x 24": (120, 24, 1, 2)}
"""Samples, columns, layers and roles."""
ROLES = ("last_q", "exact_answer_first", "exact_answer_last")
METRICS = ("entropy", "to_question", "to_self", "received")
HEADS, PROMPT, COMPLETION = 4, 6, 10


def arguments() -> argparse.ArgumentParser:
    return parser(__doc__, quick="few and small cells")


def drawn_answers(n: int, right: np.ndarray) -> interp.Answers:
    names = [f"q{i}" for i in range(n)]
    strings: list[str | None] = [f"Town {i}" for i in np.random.default_rng(1).integers(0, 10, n)]
    return interp.Answers(
        id=names,
        question=[f"Where is {name}?" for name in names],
        group=[f"g{i // 3}" for i in range(n)],
        prompt=[f"Where is {name}?" for name in names],
        prompt_ids=[list(range(PROMPT))] * n,
        completion_ids=[list(range(PROMPT, PROMPT + COMPLETION))] * n,
        text=[*map(str, strings)],
        finish=["stop"] * n,
        logprobs=[[-0.5] * COMPLETION] * n,
        correct=[bool(y) for y in right],
        exact_answer=strings,
        exact_answer_method=["candidates"] * n,
        exact_answer_tokens=[(9, 10)] * n,
        question_tokens=[(1, 4)] * n,
        status=["ok"] * n,
    )


def drawn_capture(answers: interp.Answers, n: int, width: int, layers: int, roles: int) -> interp.Capture:
    rng = np.random.default_rng(0)
    right = np.array(answers.correct, dtype=float)
    positions = interp.resolve_positions(answers, roles=ROLES[:roles])
    spectrum = np.arange(1, width + 1) ** -0.7
    x = rng.standard_normal((n, layers, roles, width)) * spectrum @ np.linalg.qr(rng.standard_normal((width, width)))[0]
    x += 0.1 * right[:, None, None, None] * rng.standard_normal(width)
    metrics = {
        name: torch.sigmoid(torch.from_numpy(rng.standard_normal((n, layers, HEADS, roles)))) for name in METRICS
    }
    return interp.Capture(
        sites={"resid_post": torch.from_numpy(x).float()},
        embed=torch.from_numpy(rng.standard_normal((n, roles, width))).float(),
        attention={name: values.float() for name, values in metrics.items()},
        valid=positions.valid,
        index=positions.index,
        layers=tuple(range(layers)),
        roles=positions.roles,
        id=tuple(answers.id),
    )


def analyses(n: int, width: int, layers: int, roles: int) -> dict[str, float]:
    """CPU milliseconds per cell of each, and of all."""
    answers = drawn_answers(n, np.random.default_rng(2).integers(0, 2, n))
    cap = drawn_capture(answers, n, width, layers, roles)
    options: dict[str, Any] = {"groups": answers.group, "n_jobs": 1}
    cells, spent = layers * roles, {}
    spent["probe grid"], probe = cpu(lambda: interp.probe_grid(cap, answers.correct, **options))
    spent["attention grid"], attention = cpu(lambda: interp.attention_grid(cap, answers.correct, **options))
    spent["permutations"], _ = cpu(lambda: [interp.permutation_test(one, cap, n_jobs=1) for one in (probe, attention)])
    spent["matched width"], _ = cpu(lambda: interp.matched_width_grid(cap, answers.correct, attention, **options))
    spent["gain"], _ = cpu(lambda: interp.gain_grid(cap, answers.correct, **options))
    spent["controls"], _ = cpu(lambda: interp.control_grid(cap, answers, probe, n_jobs=1))
    spent["all"] = sum(spent.values())
    return {name: 1000 * seconds / cells for name, seconds in spent.items()}


def main() -> None:
    shapes = QUICK if arguments().parse_args().quick else SHAPES
    one_thread()
    analyses(60, 4, 1, 1)  # what is imported at the first use
    found = {}
    for name, shape in shapes.items():
        progress(name)
        found[name] = analyses(*shape)
    print_header("CPU ms per cell", *found)
    for part in found[name]:
        print_row(part, *(f"{milliseconds[part]:.0f}" for milliseconds in found.values()))
    print_figures(
        "probing",
        [
            Figure(f"{part}, {name}, CPU ms per cell", value, NO_PEER, better="lower")
            for name, milliseconds in found.items()
            for part, value in milliseconds.items()
        ],
    )


if __name__ == "__main__":
    main()
