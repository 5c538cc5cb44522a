"""Detectors of wrong answers beside each other, in words: which is best, the probe against it, and what it adds."""

import numpy as np
import pandas as pd
import xarray as xr

from interp.support.units import decimal

CAPTIONS = {
    "title": "Detectors of wrong answers",
    "table": "AUC of every detector, and the probe's minus it (delta) over the samples that both can score.",
    "figure": "AUC with 95 % interval; grey: that of the probe's nested best cell.",
}
OWN = ("exact_logprob_mean", "logprob_mean")
"""The model's own log-probability, of the exact answer if it is there."""
TOLD = {"exact_logprob_mean": "mean log-probability of the exact answer", "logprob_mean": "mean log-probability"}


def detector_sentences(found: xr.Dataset) -> list[str]:
    """What the dataset of `interp.detectors` says, a sentence each; every number is one of its own."""
    table = found.drop_dims("sample").to_dataframe()
    own, y = table[table["family"] != "chosen"], found["y"].values
    known = own[np.isfinite(own["auc"])]
    if not len(known):
        return [f"No detector has an AUC on the {len(y)} samples ({int(y.sum())} right): {_reasons(own)}."]
    best = known["auc"].idxmax()
    lines = [
        f"Of {len(known)} detectors on {len(y)} samples ({int(y.sum())} right), {best} tells right from wrong answers "
        f"best, as seen: AUC {_interval(known.loc[best])}."
    ]
    chosen = table.loc["best_baseline"]
    if np.isfinite(chosen["auc"]):
        names = pd.Series(found["chosen"].values).value_counts()
        lines.append(
            f"Chosen on the other folds, the best detector that needs no training ({', '.join(names.index)}) has AUC "
            f"{_interval(chosen)}."
        )
    if "probe" in table.index:
        lines += _of_probe(table)
    if "baseline_and_probe" in table.index:
        lines += _of_gain(found)
    partly = known[known["missing"] > 0]
    if len(partly):
        worst = partly["missing"].idxmax()
        lines.append(
            f"{len(partly)} of them have no score for some samples, {worst} for {int(partly.loc[worst, 'missing'])}; "
            "differences are over the samples that both can score."
        )
    for reason, rows in own[~np.isfinite(own["auc"])].groupby("reason", sort=False):
        lines.append(f"Without an AUC: {', '.join(rows.index)} ({reason}).")
    return lines


def _of_probe(table: pd.DataFrame) -> list[str]:
    probe = table.loc["probe"]
    if not np.isfinite(probe["auc"]):
        return []
    lines = [f"The probe's best cell, chosen on the other folds, has AUC {_interval(probe)}."]
    name = next((name for name in OWN if name in table.index and np.isfinite(table.loc[name, "delta"])), None)
    if name is not None:
        lines.append(f"Against the model's own {TOLD[name]}, {_against(table.loc[name])}.")
    if np.isfinite(table.loc["best_baseline", "delta"]):
        lines.append(f"Against the best detector that needs no training, {_against(table.loc['best_baseline'])}.")
    return lines


def _against(row: pd.Series) -> str:
    low, high = row["delta_low"], row["delta_high"]
    verdict = _verdict(
        low, high, "the probe is better", "the probe loses", "it is undecided whether the probe is better"
    )
    value = _interval(row, "delta", "delta_low", "delta_high", signed=True)
    return f"{verdict} (ΔAUC {value}, {int(row['delta_n'])} samples)"


def _of_gain(found: xr.Dataset) -> list[str]:
    gain = {name: float(found[name]) for name in ("gain", "gain_low", "gain_high")}
    both = found.sel(detector="baseline_and_probe")
    if not np.isfinite(gain["gain"]):
        reason = str(both["reason"].item())
        return [f"What the probe adds to the best of them cannot be said ({reason})."] if reason else []
    verdict = _verdict(
        gain["gain_low"],
        gain["gain_high"],
        "the probe adds to it",
        "with the probe beside it, it tells less",
        "whether the probe adds to it is undecided",
    )
    value = _interval(pd.Series(gain), "gain", "gain_low", "gain_high", signed=True)
    return [
        f"Best baseline and probe together have AUC {float(both['auc']):.2f}: {verdict} (gain {value}, "
        f"{int(found['gain_n'])} samples)."
    ]


def _verdict(low: float, high: float, above: str, below: str, undecided: str) -> str:
    """What an interval says of 0: it lies above, below, or holds it."""
    return above if low > 0 else below if high < 0 else undecided


def _reasons(table: pd.DataFrame) -> str:
    return "; ".join(dict.fromkeys(table["reason"]))


def _interval(row: pd.Series, value: str = "auc", low: str = "low", high: str = "high", *, signed: bool = False) -> str:
    numbers = (decimal(row[name], 2, sign=signed) for name in (value, low, high))
    return "{} [{}, {}]".format(*numbers)
