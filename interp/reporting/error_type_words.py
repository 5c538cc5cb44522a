"""The error types of a run in words: how common each is, and whether states tell it."""

import numpy as np
import xarray as xr

from interp.support.units import decimal

ALPHA = 0.05
FEW_DRAWS = 6
"""With fewer draws than that a sixth of them is none, and a third one."""


def error_type_sentences(data: xr.Dataset) -> list[str]:
    """What `error_types` found, a sentence each."""
    said = data.attrs
    draws = _range(said["draws_least"], said["draws_most"])
    shares = ", ".join(
        f"{letter} ({title}) {_percent(one['share'])} [{_percent(one['share_low'])}, {_percent(one['share_high'])}]"
        for letter, title, one in _types(data)
    )
    sentences = [
        f"{said['n_questions']} questions with {draws} labelled draws each are of the error types {shares}; "
        f"{said['n_several']} are of several types, {said['n_untyped']} of none.",
        f"Of {said['draws_most']} draws, an answer is consistent from {said['at_consistent']} on, "
        f"{said['at_many']} distinct answers are many, and two compete if both are drawn more than {said['at_close']} "
        f"times and differ by at most {said['at_close']}.",
    ]
    if said["draws_most"] < FEW_DRAWS:
        sentences.append(f"With {said['draws_most']} draws the types say little: the paper draws 30.")
    if said["n_undefined"] or said["n_unlabelled"]:
        sentences.append(
            f"{said['n_unlabelled']} draws without a label took no part; {said['n_undefined']} questions with fewer "
            "than two labelled draws have no type."
        )
    sentences.append(
        f"No answer means that none was located (method: {said['methods'] or 'none'}): with a list of candidates also "
        "an answer that the list lacks."
    )
    sentences += [_told(letter, title, one) for letter, title, one in _types(data)]
    probed = f"Probed on {said['n_probed']} samples ({said['probed']})."
    lacking = said["n_not_probed"]
    return [*sentences, probed + (f" {lacking} questions have no sample here." if lacking else "")]


def _types(data: xr.Dataset) -> list[tuple[str, str, xr.Dataset]]:
    return [(str(t), str(data["title"].sel(type=t).item()), data.sel(type=t)) for t in data["type"].values]


def _told(letter: str, title: str, one: xr.Dataset) -> str:
    """What the best cell of a type tells, beside the strongest control."""
    if not np.isfinite(one["best_auc"]):
        return f"{letter} ({title}): undefined, {one['best_reason'].item()}."
    place = f"highest: layer {int(one['best_layer'])}, {one['best_token'].item()}"
    auc = _interval(one, "best")
    said = f"{letter} ({title}): the best cell, chosen on other folds, tells it with AUC {auc} ({place})"
    corrected = one["p_corrected"].values
    if np.isfinite(corrected).any():
        said += f"; the smallest corrected p of a cell is {np.nanmin(corrected):.3g}"
    delta = one["control_delta"].values
    if not np.isfinite(delta).any():
        return f"{said}."
    strongest = one.isel(control=int(np.nanargmin(delta)))
    name = str(strongest["control"].item()).replace("_", " ")
    difference = _interval(strongest, "control_delta", "control_delta", signed=True)
    low, high = float(strongest["control_delta_low"]), float(strongest["control_delta_high"])
    verdict = "more than" if low > 0 else "less than" if high < 0 else "not clearly more than"
    return (
        f"{said}; {verdict} the strongest control, {name} ({float(strongest['control_auc']):.2f}; difference "
        f"{difference})."
    )


def _interval(one: xr.Dataset, name: str, value: str | None = None, *, signed: bool = False) -> str:
    numbers = [float(one[key]) for key in (value or f"{name}_auc", f"{name}_low", f"{name}_high")]
    centre, low, high = (decimal(number, 2, sign=signed) for number in numbers)
    return f"{centre} [{low}, {high}]"


def _percent(value: xr.DataArray) -> str:
    return f"{100 * float(value):.0f} %"


def _range(low: int, high: int) -> str:
    return str(low) if low == high else f"{low} to {high}"
