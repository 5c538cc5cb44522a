"""The lens in words: where the answer becomes the top token, whether the right one stands in wrong samples, and why."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from interp.comparing.best_cell import describe_best
from interp.support.units import decimal

ALPHA = 0.05
LARGE_DEVIATION = 0.01
"""Of a log-probability at the last layer, from which on it is said."""
NAMED = 3
"""Components that are named of each kind."""
LONG = 4
"""Tokens of an exact answer, on average, from which on it is said that the first of them may say little."""
MOST = 0.5
"""Share of the samples from which on the answer is said to be the top token."""
PREDICTS, BEFORE = "predicts it", "before it"


def lens_sentences(lens: xr.Dataset, attribution: xr.Dataset | None = None, why: str = "") -> list[str]:
    """What `lens_grid` and `logit_attribution` found, a sentence each; `why` there is no attribution."""
    n, right = lens.sizes["sample"], int(lens["y"].sum())
    sentences = [
        f"The lens puts the residual stream of every cell through the model's own final norm and unembedding. Of {n} "
        f"samples ({right} right) it reads the exact answer's first token: its rank (0: the top token) and its natural "
        "log-probability.",
        *_length(lens),
        *_columns(lens),
        *_top(lens),
        *_right_answer(lens),
        *_auc(lens),
        *_precision(lens),
    ]
    if attribution is None:
        return [*sentences, f"What heads and MLPs add to the logit is undefined: {why}."] if why else sentences
    return [*sentences, *_attribution(attribution)]


def columns_at(lens: xr.Dataset, *places: str) -> list[str]:
    """The columns whose tokens stand there to the answer's first token."""
    return [str(t) for t, place in zip(lens["token"].values, lens["place"].values, strict=True) if place in places]


def _length(lens: xr.Dataset) -> list[str]:
    said = lens.attrs
    if said["answer_tokens"] < LONG:
        return []
    return [
        f"Exact answers have {said['answer_tokens']:.1f} tokens on average (located by {said['methods']}): where they "
        "are whole sentences, their first token may say little of the answer."
    ]


def _columns(lens: xr.Dataset) -> list[str]:
    predicts, before = columns_at(lens, PREDICTS), columns_at(lens, BEFORE)
    others = [str(token) for token in lens["token"].values if str(token) not in (*predicts, *before)]
    said = [f"{_listed(predicts)} predicts the answer's first token" if predicts else "No column predicts the answer"]
    if before:
        said.append(f"earlier tokens: {_listed(before)}")
    if others:
        said.append(
            f"in {_listed(others)} some or all tokens are the answer or come behind it: what they say is the next "
            "token, and the answer's number there is no prediction of it"
        )
    return ["; ".join(said) + "."]


def _top(lens: xr.Dataset) -> list[str]:
    """From which layer on the given answer is the top token of most samples, in the column that predicts it."""
    out, layers = [], lens["layer"].values.tolist()
    for token in columns_at(lens, PREDICTS):
        said = []
        for label in ("right", "wrong"):
            one = lens.sel(answer="given", label=label, token=token)
            share = one["top_share"].values
            if not np.isfinite(share).any():
                continue
            last = _share(one.isel(layer=-1), "top_share")
            from_layer = _from(share, layers)
            where = "in no layer of most" if from_layer is None else f"from layer {from_layer} on in most"
            said.append(f"{where} {label} samples ({last} at layer {layers[-1]})")
        if said:
            out.append(f"At {token} the given answer is the top token {', and '.join(said)}.")
    return out


def _from(share: np.ndarray, layers: Sequence[int]) -> int | None:
    """The first layer from which on the share stays at least `MOST`; None if it is not so at the last."""
    fewer = np.flatnonzero(~(share >= MOST))
    start = int(fewer[-1]) + 1 if len(fewer) else 0
    return layers[start] if start < len(layers) else None


def _right_answer(lens: xr.Dataset) -> list[str]:
    said = lens.attrs
    if not said["n_wrong"]:
        return []
    known, lacking = said["n_wrong_with_right"], said["right_undefined"]
    if not known:
        return [f"The right answer of no wrong sample has a first token of its own: {lacking}."]
    out = []
    for token in columns_at(lens, PREDICTS):
        one = lens.sel(token=token)
        share, ranks = one["right_above_given"].values, one["median_rank"].sel(answer="right", label="wrong").values
        if not np.isfinite(share).any():
            continue
        most, closest = one.isel(layer=int(np.nanargmax(share))), one.isel(layer=int(np.nanargmin(ranks)))
        if not np.nanmax(share):
            often = "stands above the given one's in no layer of any"
        else:
            often = (
                f"stands above the given one's in {_share(most, 'right_above_given')} at layer {int(most['layer'])}, "
                "where it does most often"
            )
        ends = " and ".join(
            f"{_rank(cell.sel(answer='right', label='wrong'))} at layer {int(cell['layer'])}"
            for cell in _different(closest, one.isel(layer=-1))
        )
        out.append(
            f"At {token}, of {known} wrong samples with a right answer to read, its first token {often}; its median "
            f"rank there is {ends}."
        )
    out += _earlier(lens)
    return [*out, f"Wrong samples without a right answer to read: {lacking}."] if lacking else out


def _different(one: xr.Dataset, other: xr.Dataset) -> list[xr.Dataset]:
    return [one] if int(one["layer"]) == int(other["layer"]) else [one, other]


def _earlier(lens: xr.Dataset) -> list[str]:
    """Where before that the right one stands above most often, with the ranks: far down an order says little."""
    tokens = columns_at(lens, BEFORE)
    share = lens["right_above_given"].sel(token=tokens).transpose("layer", "token").values
    if not np.isfinite(share).any():
        return []
    layer, place = np.unravel_index(int(np.nanargmax(share)), share.shape)
    one = lens.isel(layer=int(layer)).sel(token=tokens[place], label="wrong")
    ranks = " and ".join(f"{_rank(one.sel(answer=answer))} ({answer})" for answer in ("right", "given"))
    return [
        f"In the earlier columns that share is highest, of {share.size} cells, at layer {int(one['layer'])}, "
        f"{tokens[place]}: {_share(one, 'right_above_given')}, at median ranks {ranks}."
    ]


def _auc(lens: xr.Dataset) -> list[str]:
    tokens = columns_at(lens, PREDICTS, BEFORE)
    if not tokens:
        return []
    found = describe_best(lens.sel(token=tokens), min_per_class=int(lens.attrs["min_per_class"]))
    nested = found["nested"]
    if nested is None or nested["value"] is None:
        return ["Before the answer its log-probability tells right from wrong in no cell: every AUC is undefined."]
    cell = found["cell"]
    return [
        "Before the answer its log-probability in one cell tells right from wrong samples with AUC "
        f"{nested['value']:.2f} [{nested['low']:.2f}, {nested['high']:.2f}], the cell chosen on other folds (highest: "
        f"layer {cell['layer']}, {cell['token']})."
    ]


def _precision(lens: xr.Dataset) -> list[str]:
    said, out = lens.attrs, []
    if said["stored_dtype"] != said["model_dtype"]:
        out.append(f"The vectors were stored in {said['stored_dtype']}, the model computes in {said['model_dtype']}.")
    elif said["stored_dtype"] not in ("float32", "float64"):
        out.append(f"Vectors and model are in {said['stored_dtype']}: the last digits of every number are rounding.")
    apart = said["last_layer_deviation"]
    if np.isfinite(apart) and apart > LARGE_DEVIATION:
        out.append(
            f"At the last layer the log-probability differs by up to {apart:.2g} from the one kept when the model "
            "answered: they were computed in batches of another composition, or in lower precision."
        )
    return out


def _attribution(found: xr.Dataset) -> list[str]:
    said, out = found.attrs, []
    mean, names = found.sel(contrast="given − mean"), found["component"].values.tolist()
    totals = [f"{_of(mean.sel(label=label), 'total_mean', 'total')} in {label} samples" for label in _labels(mean)]
    out.append(
        f"At {said['role']} the given answer's logit lies above the vocabulary's mean by {' and '.join(totals)}; with "
        f"the final norm's scale held fixed, {len(names)} components add up to it."
    )
    if said["parts_reason"]:
        out.append(f"They are no single heads: {said['parts_reason']}.")
    for label in _labels(mean):
        values = mean["attribution_mean"].sel(label=label).values
        most = [mean.sel(label=label, component=names[k]) for k in np.argsort(-values, kind="stable")[:NAMED]]
        named = ", ".join(f"{one['component'].item()} {_of(one, 'attribution_mean')}" for one in most)
        out.append(f"In {label} samples most is added by {named}.")
    out += _differences(mean)
    against = found.sel(contrast="given − right", label="wrong")
    n = int(against["n_attributed"])
    if n:
        values = against["attribution_mean"].values
        for_given, for_right = (against.isel(component=int(k)) for k in (np.nanargmax(values), np.nanargmin(values)))
        out.append(
            f"In {n} wrong samples the given answer's logit lies above the right one's by "
            f"{_of(against, 'total_mean', 'total')}: most for it adds {for_given['component'].item()} "
            f"({_of(for_given, 'attribution_mean')}), least {for_right['component'].item()} "
            f"({_of(for_right, 'attribution_mean')})."
        )
    return out


def _differences(mean: xr.Dataset) -> list[str]:
    """Components that add more to the given answer in right than in wrong samples, or less."""
    q, apart = mean["attribution_difference_q"].values, mean["attribution_difference"].values
    if not np.isfinite(q).any():
        return []
    clear = np.flatnonzero(q < ALPHA)
    if not len(clear):
        return [f"No component adds clearly more in right than in wrong samples, or less (q ≥ {ALPHA:g} for all)."]
    most = clear[np.argsort(-np.abs(apart[clear]), kind="stable")[:NAMED]]
    named = ", ".join(
        f"{one['component'].item()} {_of(one, 'attribution_difference', 'attribution_difference', signed=True)}"
        for one in (mean.isel(component=int(k)) for k in most)
    )
    return [
        f"{len(clear)} of {len(q)} components add otherwise in right than in wrong samples (q < {ALPHA:g}): {named}."
    ]


def _labels(found: xr.Dataset) -> list[str]:
    return [str(label) for label in found["label"].values if int(found["n_attributed"].sel(label=label))]


def _of(one: xr.Dataset, name: str, ends: str | None = None, *, signed: bool = False) -> str:
    keys = (name, f"{ends or name}_low", f"{ends or name}_high")
    value, low, high = (decimal(float(one[key]), 2, sign=signed) for key in keys)
    return f"{value} [{low}, {high}]"


def _share(one: xr.Dataset, name: str) -> str:
    value, low, high = (100 * float(one[f"{name}{end}"]) for end in ("", "_low", "_high"))
    return f"{value:.0f} % [{low:.0f}, {high:.0f}]"


def _rank(one: xr.Dataset) -> str:
    value, low, high = (float(one[f"median_rank{end}"]) for end in ("", "_low", "_high"))
    return f"{value:.0f} [{low:.0f}, {high:.0f}]"


def _listed(names: Sequence[Any]) -> str:
    return ", ".join(map(str, names))
