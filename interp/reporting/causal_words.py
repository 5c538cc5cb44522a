"""The causal grid in words: how large the effects are, what the controls leave of them, and what they say together."""

from typing import Any

import numpy as np
import xarray as xr

from interp.support.units import decimal

ALPHA = 0.05
CAUSES = {
    "answer": "ln P(the right sample's exact answer) − ln P(the wrong one's)",
    "judgement": "the logit of Yes less that of No, behind the question whether the answer is correct",
}
CONTROL_WORDS = {
    "same_label": "a state of another sample with the recipient's own label",
    "random_direction": "a step as long in a random direction",
    "scrambled_weights": "the same in a model whose weights are scrambled",
}


def causal_sentences(found: xr.Dataset, three: xr.Dataset | None = None) -> list[str]:
    """What `patch_grid` found, a sentence each."""
    said, effect = found.attrs, found["effect"].sel(direction="both")
    outcome = CAUSES.get(said["outcome"], f"`{said['outcome']}`")
    sentences = [
        f"{said['n_pairs']} pairs of a right and a wrong sample of one question template ({said['n_blocks']} "
        f"independent blocks) were given each other's states at `{said['site']}`{_head(said)}. The outcome is "
        f"{outcome}; as they are, the two samples of a pair differ by {said['told_apart']:.3g} on average."
    ]
    if not np.isfinite(effect).any():
        reasons = sorted({str(one) for one in found["effect_reason"].sel(direction="both").values.ravel() if one})
        return [*sentences, f"No cell has an effect that could be stated: {'; '.join(reasons)}."]
    at = _largest(effect)
    layer, token = at.values()
    sentences.append(
        f"The largest effect is that of layer {layer}, {token}: the other sample's state moves the outcome by "
        f"{_share(found.sel(direction='both', **at), 'effect', 'effect_low', 'effect_high')} of the pairs' difference "
        f"(into wrong samples {_of(found, at, 'into wrong')}, into right ones {_of(found, at, 'into right')})."
    )
    for name in found["control"].values.tolist():
        one = found.sel(control=name, **at)
        if np.isfinite(one["control_effect"]):
            moved = _share(one, "control_effect", "control_low", "control_high")
            sentences.append(f"There, {CONTROL_WORDS[name]} moves it by {moved}.")
    if "same_label" in found["control"].values:
        sentences.append(_declared(found))
    missing = [str(t) for t in found["token"].values if not np.isfinite(effect.sel(token=t)).any()]
    if missing:
        why = sorted(
            {str(one) for one in found["effect_reason"].sel(direction="both", token=missing).values.ravel() if one}
        )
        sentences.append(f"Undefined at {', '.join(missing)}: {'; '.join(why)}.")
    if "attributed" in found:
        sentences.append(_first_look(found))
    return sentences if three is None else [*sentences, *beside_sentences(three, found)]


def _declared(found: xr.Dataset) -> str:
    alike = found.sel(control="same_label")
    tested = np.isfinite(alike["over_p_corrected"])
    clear = (alike["over_p_corrected"] < ALPHA) & tested
    if not tested.any():
        return "No cell could be compared with a donor of the recipient's own label."
    if not clear.any():
        least = float(alike["over_p_corrected"].min())
        return (
            f"In none of the {int(tested.sum())} cells does the other label's state do other than one of the "
            f"recipient's own label (smallest corrected p {least:.2g}): nothing here says that the label matters, "
            "rather than that a state is another one."
        )
    # Only the other donor's answer is part of this outcome.
    what = " Such a state carries its sample's answer; whether the label itself matters, `judgement` asks."
    what = what if found.attrs["outcome"] == "answer" else ""
    at = _largest(alike["over"].where(clear))
    one, (layer, token) = alike.sel(**at), at.values()
    return (
        f"In {int(clear.sum())} of {int(tested.sum())} cells the other label's state does other than one of the "
        f"recipient's own label (corrected p < {ALPHA:g}), most at layer {layer}, {token}: "
        f"{_share(one, 'over', 'over_low', 'over_high', signed=True)} of the difference.{what}"
    )


def _first_look(found: xr.Dataset) -> str:
    exact, first = found["effect"].sel(direction="both").values, found["attributed"].values
    both = np.isfinite(exact) & np.isfinite(first)
    if both.sum() < 3:
        return "Too few cells are defined to compare gradients with what was seen."
    r = float(np.corrcoef(exact[both], first[both])[0, 1])
    gap = np.where(both, np.abs(exact - first), -1.0)
    i, j = np.unravel_index(int(gap.argmax()), gap.shape)
    place = f"layer {found['layer'].values[i]}, {found['token'].values[j]}"
    return (
        f"To first order, by gradients, the grid looks like this with a correlation of {decimal(r, 2)} over "
        f"{int(both.sum())} cells; the worst disagreement is at {place}: {decimal(first[i, j], 2)} foreseen, "
        f"{decimal(exact[i, j], 2)} seen."
    )


def beside_sentences(three: xr.Dataset, found: xr.Dataset) -> list[str]:
    """What can be read, what is looked at and what matters, together."""
    auc = {name: three["auc"].sel(grid=name) for name in three["grid"].values}
    cells = three.attrs["n_cells"]
    if cells < 3:
        return [f"Only {cells} cells are defined in all three grids: they cannot be compared."]
    sentences = []
    for pair in three["pair"].values:
        one = three.sel(pair=pair, kind="raw")
        first, second = str(pair).split(", ")
        r, own, other = (float(one[name]) for name in ("r", "ceiling_first", "ceiling_second"))
        sentences.append(
            f"Over {cells} cells, {first} and {second} correlate by {decimal(r, 2)} between halves of the samples "
            f"({first} with itself {decimal(own, 2)}, {second} {decimal(other, 2)})."
        )
    read = three["low"].sel(grid="decodable") > 0.5
    # Either way: what donors do there may also be against their label.
    does = (three["low"].sel(grid="matters") > 0.5) | (three["high"].sel(grid="matters") < 0.5)
    known = np.isfinite(auc["decodable"]) & np.isfinite(auc["matters"])
    sentences.append(
        f"Of {int((read & known).sum())} cells whose label can be read (interval above 0.5), "
        f"{int((read & does & known).sum())} also matter for the outcome (interval on one side of 0.5); "
        f"{int((does & ~read & known).sum())} matter without being readable."
    )
    return sentences


def _largest(values: xr.DataArray) -> dict[str, Any]:
    """The cell with the largest value, of either sign."""
    flat = values.transpose("layer", "token").values
    i, j = np.unravel_index(int(np.nanargmax(np.abs(flat))), flat.shape)
    return {"layer": values["layer"].values[i].item(), "token": values["token"].values[j]}


def _of(found: xr.Dataset, at: dict, direction: str) -> str:
    one = found.sel(direction=direction, **at)
    value = float(one["effect"])
    return decimal(value, 2) if np.isfinite(value) else "undefined"


def _share(one: xr.Dataset, value: str, low: str, high: str, *, signed: bool = False) -> str:
    centre, below, above = (decimal(float(one[name]), 2, sign=signed) for name in (value, low, high))
    return f"{centre} [{below}, {above}]"


def _head(said: dict) -> str:
    return f", head {said['head']}" if said["head"] >= 0 else ""
