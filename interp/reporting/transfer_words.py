"""How far probes carry over from one run to another, in words made from the matrix alone."""

import numpy as np
import xarray as xr

from interp.reporting.section import Table
from interp.support.units import decimal

LEVEL = 0.05


def transfer_sentences(found: xr.Dataset) -> list[str]:
    """What `transfer` found: does it carry over, what is lost, and is it more than the model's own confidence."""
    names = found["test"].values.tolist()
    pairs = [(a, b) for a in names for b in names if a != b]
    auc = {pair: found["auc"].sel(train=pair[0], test=pair[1]).item() for pair in pairs}
    known = [pair for pair in pairs if np.isfinite(auc[pair])]
    lines = []
    if known:
        above = sum(found["low"].sel(train=a, test=b).item() > 0.5 for a, b in known)
        worst, best = min(known, key=auc.__getitem__), max(known, key=auc.__getitem__)
        lines.append(
            f"Probes of one {_unit(found)} tested on another: in {above} of {len(known)} pairs the interval of the AUC "
            f"lies above 0.5. AUC {np.mean([auc[pair] for pair in known]):.2f} on average, from "
            f"{_arrow(worst)} {auc[worst]:.2f} to {_arrow(best)} {auc[best]:.2f}; on their own {_unit(found)}, "
            f"cross-fitted, {_mean_own(found, names)}."
        )
        lines.append(_against_own(found, known))
    lines += [_against_logprob(found, known, names), *_several(found), *_undefined(found, pairs)]
    if shared := int(found["shared_groups"].sel(train=names).where(_off_diagonal(found, names), 0).sum()) // 2:
        lines.append(
            f"{shared} questions occur in more than one {_unit(found)}, counted for every pair: each sample is scored "
            "by a probe that has not seen its question."
        )
    if left_out := found.attrs.get("left_out"):
        lines.append(f"Left out, because there are too few: {left_out}.")
    return [line for line in lines if line]


def transfer_table(found: xr.Dataset) -> Table:
    """The matrix as rows."""
    columns = ("train", "test", "cell", "n", "AUC", "low", "high", "minus own", "q", "minus log-prob.", "q ")
    rows = tuple(
        (
            str(train),
            str(test),
            cells(found.sel(train=train, test=test)),
            int(one["n"]),
            *(
                None if np.isnan(value := float(one[name])) else value
                for name in ("auc", "low", "high", "minus_own", "minus_own_q", "minus_logprob", "minus_logprob_q")
            ),
        )
        for train in found["train"].values
        for test in found["test"].values
        for one in [found.sel(train=train, test=test)]
    )
    return Table("Every pair: trained on, tested on", columns, rows)


def cells(pair: xr.Dataset) -> str:
    """Which cells scored the folds, each once."""
    layers, tokens = pair["cell_layer"].values.tolist(), pair["cell_token"].values.tolist()
    return ", ".join(dict.fromkeys(f"{layer} {token}" for layer, token in zip(layers, tokens, strict=True) if token))


def _unit(found: xr.Dataset) -> str:
    return "run" if found.attrs.get("by", "run") == "run" else "part"


def _arrow(pair: tuple[str, str]) -> str:
    return f"{pair[0]} → {pair[1]}"


def _off_diagonal(found: xr.Dataset, names: list[str]) -> xr.DataArray:
    return found["train"].sel(train=names) != found["test"]


def _mean_own(found: xr.Dataset, names: list[str]) -> str:
    own = [found["auc"].sel(train=name, test=name).item() for name in names]
    return f"{np.nanmean(own):.2f}" if np.isfinite(own).any() else "undefined"


def _compared(found: xr.Dataset, name: str, pairs: list[tuple[str, str]]) -> tuple[int, int, int, float]:
    """Of the pairs that can be compared: how many, how many higher, how many lower (q < 0.05), and the mean."""
    value, q = (np.array([found[of].sel(train=a, test=b).item() for a, b in pairs]) for of in (name, f"{name}_q"))
    known, clear = np.isfinite(value), q < LEVEL
    mean = float(value[known].mean()) if known.any() else float("nan")
    return int(known.sum()), int((clear & (value > 0)).sum()), int((clear & (value < 0)).sum()), mean


def _against_own(found: xr.Dataset, pairs: list[tuple[str, str]]) -> str:
    n, higher, lower, mean = _compared(found, "minus_own", pairs)
    if not n:
        return ""
    return (
        f"Against the target's own probes, on the same samples: {decimal(mean, 2, sign=True)} on average; {lower} of "
        f"{n} pairs are lower and {higher} higher (q < {LEVEL:g})."
    )


def _against_logprob(found: xr.Dataset, pairs: list[tuple[str, str]], names: list[str]) -> str:
    """The rival that needs no probe."""
    n, higher, lower, mean = _compared(found, "minus_logprob", pairs)
    base = found["logprob_auc"].values[np.isfinite(found["logprob_auc"].values)]
    if not n or not len(base):
        return "The log-probability of the exact answer is not known, or cannot be compared: it is no baseline here."
    own = _compared(found, "minus_logprob", [(name, name) for name in names])
    span = f"{base.min():.2f}" if len(base) == 1 else f"{base.min():.2f} to {base.max():.2f}"
    sentence = (
        f"The mean log-probability of the exact answer alone has AUC {span}. Probes of another {_unit(found)} differ "
        f"from it by {decimal(mean, 2, sign=True)} on average: {higher} of {n} pairs tell more, {lower} less "
        f"(q < {LEVEL:g}); of the {own[0]} on their own {_unit(found)}, {own[1]} tell more and {own[2]} less."
    )
    if higher:
        return sentence
    return f"{sentence} What carries over is not shown to be more than the model's own confidence."


def _several(found: xr.Dataset) -> list[str]:
    """The rows that are trained on several runs, if they are more than another run."""
    if found.sizes["test"] < 3:
        return []
    lines = []
    for row in found["train"].values.tolist()[found.sizes["test"] :]:
        one = found.sel(train=row)
        said = ", ".join(
            f"{test} {auc:.2f} [{low:.2f}, {high:.2f}]"
            for test, auc, low, high in zip(
                one["test"].values, *(one[name].values for name in ("auc", "low", "high")), strict=True
            )
            if np.isfinite(auc)
        )
        if said:
            lines.append(f"Trained on {row}: {said}.")
    return lines


def _undefined(found: xr.Dataset, pairs: list[tuple[str, str]]) -> list[str]:
    lacking = [(a, b, str(found["reason"].sel(train=a, test=b).item())) for a, b in pairs]
    lacking = [one for one in lacking if one[2]]
    if not lacking:
        return []
    a, b, why = lacking[0]
    return [f"{len(lacking)} of {len(pairs)} pairs are undefined, first {_arrow((a, b))}: {why}."]
