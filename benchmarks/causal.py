"""Patching every layer and role of 64 pairs, both ways: against one whole pass a cell. CPU time, one thread, one run.

    python benchmarks/causal.py            # the embedded model, 64 pairs
    python benchmarks/causal.py --quick    # 12 pairs, two layers

The peers run on the same HookedTransformer: TransformerLens' own `generic_activation_patch`, all runs in a batch, and
whole passes with many cells of one run in a batch, as entoscope 0.1.0 runs them. Each gives the same outcomes, which
is checked. Attribution is measured in forward passes of the pairs; the work that is left is counted in tokens times
layers.
"""

import argparse
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from flow import MIB
from measuring import (
    NO_PEER,
    Figure,
    cost,
    forget_peak,
    memory,
    one_thread,
    parser,
    print_figures,
    print_header,
    print_row,
    progress,
)
from transformer_lens import patching

import interp
from interp.capturing.activations import Capture
from interp.demo import answered
from interp.experiments.detecting.given import Given
from interp.experiments.intervening.attributed import attributed
from interp.experiments.intervening.pairs import Pairs, matched_pairs
from interp.experiments.intervening.patched import Runs, outcomes
from interp.experiments.intervening.read import patched_runs, read_cells
from interp.models.hooked import forward
from interp.models.loading import model_info

CELLS_AT_ONCE = 30
TARGETS = {"loop": 5.0, "batched": 3.0, "attribution": 3.0, "memory": 1024.0}


def arguments() -> argparse.ArgumentParser:
    return parser(__doc__, quick="12 pairs, two layers")


def yes_less_no(logits: torch.Tensor) -> torch.Tensor:
    """A fixed pair of tokens at the last position: an outcome that every cell reaches."""
    return logits[:, 11] - logits[:, 12]


def main() -> None:
    args = arguments().parse_args()
    one_thread()
    model, answers = answered(80 if args.quick else 300)
    cap = interp.capture(model, answers, interp.resolve_positions(answers))
    grid = interp.probe_grid(cap, answers, min_per_class=5, nested=False)
    given = Given.of(answers, cap, grid, load=lambda: model)
    pairs = matched_pairs(given, match="roles", most=12 if args.quick else 64, seed=0)
    layers = tuple(range(model_info(model).n_layers))[-2 if args.quick else 0 :]
    _, runs = patched_runs(given, pairs, read_cells(given.capture, layers, None), yes_less_no, None)
    donor = states(given.capture, pairs.donor)

    progress("interp")
    forget_peak()
    held = memory("VmRSS")
    ours, (_, changed) = cost(lambda: outcomes(model, runs, "resid_post", layers, [donor]))
    used = (memory("VmHWM") - held) / MIB
    progress("TransformerLens")
    loop, theirs = cost(lambda: by_loop(model, given, pairs, runs, layers))
    progress("whole passes, cells in batches")
    batched, others = cost(lambda: by_cells(model, given, pairs, runs, layers))
    for found in (theirs, others):
        assert np.nanmax(np.abs(found - changed[0])) < 1e-3 * np.nanstd(changed[0])
    progress("attribution")
    whole, _ = cost(lambda: passes(model, runs))
    first, _ = cost(lambda: attributed(model, runs, "resid_post", layers, [donor]))
    capturing, _ = cost(lambda: interp.capture(model, given.answers[pairs.donor.tolist()], positions(given, pairs)))

    print_header("", "CPU s", "÷ interp")
    print_row(
        f"interp, {len(pairs)} pairs both ways, {len(layers)} x {runs.token.shape[1]} cells", f"{ours.cpu:.1f}", ""
    )
    print_row("TransformerLens, generic_activation_patch", f"{loop.cpu:.1f}", f"{loop.cpu / ours.cpu:.1f}")
    print_row(
        f"whole passes, {CELLS_AT_ONCE} cells of a run at once", f"{batched.cpu:.1f}", f"{batched.cpu / ours.cpu:.1f}"
    )
    print_row("one forward pass of every run", f"{whole.cpu:.2f}", "")
    print_row("attribution, with the donors' states", f"{first.cpu + capturing.cpu:.2f}", "")
    needed, all_of_it = work(runs, len(layers), layers, model_info(model).n_layers)
    print()
    target = dict.fromkeys(TARGETS) if args.quick else TARGETS  # quick runs inform only
    first_look = (first.cpu + capturing.cpu) / whole.cpu
    share, spare = needed / all_of_it, ours.cpu / (loop.cpu * needed / all_of_it)
    figures = [
        Figure("times faster than a pass a cell", loop.cpu / ours.cpu, "TransformerLens", "higher", target["loop"]),
        Figure(
            "times faster than batches of cells", batched.cpu / ours.cpu, "as entoscope", "higher", target["batched"]
        ),
        Figure("attribution, in forward passes of a run", first_look, "one pass", "lower", target["attribution"]),
        Figure("peak memory above the model, MiB", used, NO_PEER, "lower", target["memory"]),
        Figure("share of whole passes that no patch can spare", share, "tokens x layers", "lower"),
        Figure("CPU over that share of the loop's", spare, "the loop", "lower"),
    ]
    print_figures("causal", figures)


def states(cap: Capture, donor: np.ndarray) -> Callable[..., torch.Tensor]:
    """The donors' states, as captured."""
    held = torch.as_tensor(cap.sites["resid_post"])

    def put(run: np.ndarray, role: np.ndarray, layer: int, own: torch.Tensor) -> torch.Tensor:
        return held[torch.from_numpy(donor[run]), cap.layers.index(layer), torch.from_numpy(role)]

    return put


def positions(given: Given, pairs: Pairs) -> interp.Positions:
    """Of the donors."""
    donors: interp.Answers = given.answers[pairs.donor.tolist()]
    return interp.resolve_positions(donors)


def padded(runs: Runs) -> tuple[torch.Tensor, torch.Tensor]:
    """Right-padded tokens, whose last is where the outcome is read: no later token changes an earlier one."""
    ids = [some[0].text.ids for some in runs.asked]
    width = max(map(len, ids))
    return torch.tensor([[*one, *[0] * (width - len(one))] for one in ids]), torch.tensor(list(map(len, ids))) - 1


@torch.inference_mode()
def by_loop(model, given, pairs, runs, layers) -> np.ndarray:  # type: ignore[no-untyped-def]
    """TransformerLens: a pass of all runs for every cell."""
    tokens, last = padded(runs)
    put, n = states(given.capture, pairs.donor), np.arange(len(runs))
    found: list[torch.Tensor] = []

    def setter(own: torch.Tensor, index: Sequence[int], cache: object) -> torch.Tensor:
        layer, role = index
        some = np.flatnonzero(runs.reached[:, role])
        where = torch.from_numpy(some), torch.from_numpy(runs.token[some, role])
        own[where] = put(some, np.full(len(some), role), int(layer), own[where])
        return own

    def metric(logits: torch.Tensor) -> torch.Tensor:
        found.append(yes_less_no(logits[torch.from_numpy(n), last]))
        return found[-1].mean()

    rows = pd.DataFrame(
        [(layer, role) for layer in layers for role in range(runs.token.shape[1])], columns=["layer", "role"]
    )
    cache: Any = defaultdict(lambda: None)  # the setter has the donors' states
    patching.generic_activation_patch(model, tokens, cache, metric, setter, "resid_post", index_df=rows)
    out = torch.stack(found, dim=1).reshape(len(runs), len(layers), -1).numpy()
    return np.where(runs.reached[:, None], out, np.nan)


@torch.inference_mode()
def by_cells(model, given, pairs, runs, layers) -> np.ndarray:  # type: ignore[no-untyped-def]
    """Of every run many cells in a batch of whole passes, each row with a hook of its own."""
    put, out = states(given.capture, pairs.donor), np.full((len(runs), len(layers), runs.token.shape[1]), np.nan)
    for run in range(len(runs)):
        ids = torch.tensor([runs.asked[run][0].text.ids])
        cells = [(at, role) for at in range(len(layers)) for role in np.flatnonzero(runs.reached[run])]
        for begin in range(0, len(cells), CELLS_AT_ONCE):
            some = cells[begin : begin + CELLS_AT_ONCE]
            hooks = []
            for row, (at, role) in enumerate(some):

                def edit(own, hook, row=row, at=at, role=role, run=run):  # type: ignore[no-untyped-def]
                    own[row, runs.token[run, role]] = put(np.array([run]), np.array([role]), layers[at], own)[0]
                    return own

                hooks.append((f"blocks.{layers[at]}.hook_resid_post", edit))
            logits = model.run_with_hooks(ids.expand(len(some), -1), fwd_hooks=hooks)
            for value, (at, role) in zip(yes_less_no(logits[:, -1]).tolist(), some, strict=True):
                out[run, at, role] = value
    return out


def passes(model, runs: Runs) -> None:  # type: ignore[no-untyped-def]
    """One forward pass of every run, in batches."""
    for begin in range(0, len(runs), 32):
        ids = [some[0].text.ids for some in runs.asked[begin : begin + 32]]
        width = max(map(len, ids))
        tokens = torch.tensor([[*[0] * (width - len(one)), *one] for one in ids])
        mask = torch.tensor([[0] * (width - len(one)) + [1] * len(one) for one in ids])
        forward(model, tokens, mask, logits=True)


def work(runs: Runs, n_layers: int, layers: tuple[int, ...], all_layers: int) -> tuple[int, int]:
    """Tokens times layers: those that a patch can change, and those of whole passes."""
    length = np.array([len(some[0].text.ids) for some in runs.asked])[:, None]
    behind = np.where(runs.reached, length - runs.token, 0).sum()
    whole = (runs.reached * length).sum()
    return int(sum(behind * (all_layers - 1 - layer) for layer in layers)), int(whole * n_layers * all_layers)


if __name__ == "__main__":
    main()
