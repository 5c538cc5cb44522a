"""Steering in words: how much a push changes what the model says, beside directions that mean nothing."""

import numpy as np
import xarray as xr

from interp.reporting.causal_words import CAUSES
from interp.support.units import decimal

ALPHA = 0.05
WORDS = {"probe": "the probe's direction", "mean_difference": "the difference of means"}


def steering_sentences(found: xr.Dataset, answers: xr.Dataset | None = None) -> list[str]:
    """What `dose_response` found, and `steered_answers`, a sentence each."""
    said = found.attrs
    sentences = [
        f"The state at layer {said['layer']}, {said['role']} (`{said['site']}`) of {2 * said['n_pairs']} samples was "
        f"pushed along directions that tell right from wrong samples. The outcome is "
        f"{CAUSES.get(said['outcome'], said['outcome'])}."
    ]
    again = [] if answers is None else _answer_sentences(answers)
    if not said["enough"]:
        few = f"{said['n_blocks']} independent blocks of pairs are too few for an interval."
        return [*sentences, few, *again]
    far = float(found["dose"].max())
    for direction in found["direction"].values:
        one = found.sel(direction=direction, dose=far, among="all")
        sentences.append(
            f"{far:g} standard deviations along {WORDS[direction]} change it by {_interval(one, 'change')}; "
            f"{_placebo(one, 'p')}."
        )
        out = found.sel(direction=direction, among="all")
        sentences.append(
            f"Without {WORDS[direction]} (projection at its mean) it changes by {_interval(out, 'ablated')}; "
            f"{_placebo(out, 'ablated_p')}."
        )
    return [*sentences, *again]


def _placebo(one: xr.Dataset, name: str) -> str:
    """Whether directions that mean nothing do as much."""
    p = {kind: float(one[name].sel(placebo=kind)) for kind in one["placebo"].values}
    if not all(np.isfinite(value) for value in p.values()):
        return "no placebo could be compared"
    numbers = (
        f"p {p['random']:.2g} against random directions, {p['arbitrary_labels']:.2g} against probes of arbitrary labels"
    )
    verdict = "more than either placebo" if max(p.values()) < ALPHA else "not clearly more than the placebo"
    return f"{verdict} ({numbers})"


def _answer_sentences(answers: xr.Dataset) -> list[str]:
    sentences = []
    for dose in answers["dose"].values.tolist():
        parts = []
        for direction in answers["direction"].values:
            one = answers.sel(direction=direction, dose=dose)
            shares = ", ".join(
                f"{100 * float(one[name]):.0f} % {words} (of {int(one[f'{name}_n'])})"
                for name, words in (
                    ("became_right", "of the wrong became right"),
                    ("became_wrong", "of the right wrong"),
                )
                if int(one[f"{name}_n"])
            )
            parts.append(f"{direction.replace('_', ' ')}: {100 * float(one['changed']):.0f} % changed, {shares}")
        sentences.append(f"Answered again with {dose:+g} standard deviations at every token: {'; '.join(parts)}.")
    return sentences


def _interval(one: xr.Dataset, name: str) -> str:
    low, high = ("low", "high") if name == "change" else (f"{name}_low", f"{name}_high")
    value, below, above = (decimal(float(one[key]), 2, sign=True) for key in (name, low, high))
    return f"{value} [{below}, {above}]"
