"""How well answers are chosen, in words."""

import numpy as np
import xarray as xr

from interp.support.units import decimal

TITLES = {
    "probe": "the probe's score",
    "greedy": "the greedy answer",
    "random": "a random draw",
    "majority": "the most frequent answer",
    "most_probable": "the largest sum of log-probabilities",
    "most_probable_mean": "the largest mean log-probability",
    "oracle": "the oracle (any draw is right)",
}
ALPHA = 0.05


def choice_title(method: str) -> str:
    """A method as it is called in words; a user's by its own name."""
    return TITLES.get(method, method)


def choice_sentences(data: xr.Dataset) -> list[str]:
    """What `choose_answers` found, a sentence each."""
    said, overall = data.attrs, data.sel(type="all")
    least, most = said["draws_least"], said["draws_most"]
    draws = str(least) if least == most else f"{least} to {most}"
    ranked = sorted(map(str, data["by"].values), key=lambda name: -float(overall["accuracy"].sel(by=name)))
    accuracies = "; ".join(f"{choice_title(name)} {_accuracy(overall.sel(by=name))}" for name in ranked)
    sentences = [f"Of {draws} draws of each of {said['n_questions']} questions the chosen one is right: {accuracies}."]
    if "probe" in ranked:
        sentences.append(_against(overall.sel(by="probe"), said["cell"]))
        sentences += _by_type(data)
    if said["n_left_out"] or said["n_unlabelled"]:
        sentences.append(
            f"{said['n_left_out']} questions are left out (no labelled draw, or a greedy answer without a label); "
            f"{said['n_unlabelled']} draws without a label are never chosen."
        )
    if said["n_without_score"]:
        sentences.append(
            f"In {said['n_without_score']} questions no draw has a probe's score (no exact answer was located, or the "
            "position is absent): there the probe chooses at random."
        )
    return sentences


def _accuracy(one: xr.Dataset) -> str:
    if not np.isfinite(one["accuracy"]):
        return f"undefined ({one['reason'].item()})"
    return f"{float(one['accuracy']):.3f} [{float(one['low']):.3f}, {float(one['high']):.3f}]"


def _against(probe: xr.Dataset, cell: str) -> str:
    found = []
    for name in map(str, probe["reference"].values):
        one = probe.sel(reference=name)
        if not np.isfinite(one["delta"]):
            continue
        numbers = [decimal(float(one[key]), 3, sign=True) for key in ("delta", "delta_low", "delta_high")]
        q = float(one["q"])
        sure = "more often right than" if q < ALPHA and one["delta"] > 0 else "less often right than"
        verdict = sure if q < ALPHA else "not clearly better or worse than"
        found.append(f"{verdict} {choice_title(name)} ({numbers[0]} [{numbers[1]}, {numbers[2]}], q = {q:.2g})")
    return f"Choosing by the probe ({cell}) is {', '.join(found)}." if found else "The probe is compared with nothing."


def _by_type(data: xr.Dataset) -> list[str]:
    """Where, by type, the probe differs from the majority."""
    if "majority" not in data["reference"].values:
        return []
    pairs = data[["delta", "q", "title"]].sel(by="probe", reference="majority")
    clear = [t for t in pairs["type"].values[1:] if float(pairs["q"].sel(type=t)) < ALPHA]
    if not clear:
        return ["In no error type does it clearly differ from the most frequent answer (q < 0.05)."]
    told = [
        f"{t} ({pairs['title'].sel(type=t).item()}) {decimal(float(pairs['delta'].sel(type=t)), 2, sign=True)}"
        for t in clear
    ]
    return [f"Against the most frequent answer it clearly differs in {', '.join(told)}."]
