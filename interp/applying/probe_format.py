"""How a fitted probe is written: weights as safetensors, what they are as JSON, nothing that could execute."""

from dataclasses import fields
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from interp.applying.platt import Platt
from interp.errors import DataError
from interp.support.atomic import make_folder, plain, write_chunks, write_json
from interp.support.stored import parse_json, read_bytes

if TYPE_CHECKING:
    from interp.applying.fitted_probe import FittedProbe

FORMAT = 1
TENSORS = ("direction", "mean", "scale", "fold_direction", "fold_bias")
WEIGHTS, CONFIG = "model.safetensors", "config.json"
"""The two files in a folder for a hub, by the names that hubs know."""
MOST_BYTES = {".json": 1 << 20, ".safetensors": 1 << 30}
"""Larger files are no probe, and are not read."""
TEXTS = ("role", "site", "probe", "model")


def write_probe(probe: "FittedProbe", weights: Path, text: Path) -> Path:
    """The two files of a probe; returns the JSON's path."""
    make_folder(weights.parent)
    digest = write_chunks(weights, [save({name: getattr(probe, name).contiguous() for name in TENSORS})])
    facts = {f.name: getattr(probe, f.name) for f in fields(probe) if f.name not in (*TENSORS, "platt")}
    thresholds = {rate: plain(threshold) for rate, threshold in probe.thresholds.items()}
    platt = {"slope": probe.platt.slope, "intercept": probe.platt.intercept}
    about = {"format": FORMAT, "weights_sha256": digest, "hook_point": probe.hook_point}
    write_json(text, about | facts | {"thresholds": thresholds, "platt": platt})
    return text


def read_probe(kind: "type[FittedProbe]", weights: Path, text: Path) -> "FittedProbe":
    """The probe of two files, bit for bit. Raises DataError if one is missing, damaged, foreign or too large."""
    content = _read(weights)
    try:
        facts: dict[str, Any] = parse_json(_read(text).decode("utf-8"))
    except ValueError as error:
        raise DataError(f"{text}: expected a probe written by interp (JSON and safetensors): {error}") from error
    if not isinstance(facts, dict) or facts.get("format") != FORMAT:
        raise DataError(
            f"{text}: expected a probe of format {FORMAT} written by interp; another version made this file"
        )
    if sha256(content).hexdigest() != facts.get("weights_sha256"):
        raise DataError(f"{weights}: these are not the weights that {text.name} describes; copy both files again")
    try:
        tensors = load(content)
        own: dict[str, Any] = {
            f.name: facts[f.name] for f in fields(kind) if f.name not in (*TENSORS, "platt", "thresholds")
        }
        thresholds = {rate: float("inf") if value is None else value for rate, value in facts["thresholds"].items()}
        own |= {name: tensors[name] for name in TENSORS}
        probe = kind(**own, platt=Platt(**facts["platt"]), thresholds=thresholds)
        _check(probe)
    except (SafetensorError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"{text}: the probe is damaged ({error})") from error
    return probe


def _check(probe: "FittedProbe") -> None:
    """Raise ValueError for numbers that are of no probe: who wrote the checksum wrote them."""
    width = (len(probe.direction),)
    for name in TENSORS:
        tensor = getattr(probe, name)
        axes = {"fold_direction": (len(probe.fold_bias), *width), "fold_bias": (len(probe.fold_bias),)}.get(name, width)
        if tensor.shape != axes or tensor.dtype != torch.float64 or not bool(tensor.isfinite().all()):
            raise ValueError(f"{name} is no finite float64 array of shape {axes}")
    numbers = (probe.bias, probe.auc, probe.low, probe.high, probe.platt.slope, probe.platt.intercept)
    if not all(isinstance(one, int | float) for one in (*numbers, *probe.thresholds.values())):
        raise ValueError("a number is none")
    if not all(isinstance(getattr(probe, name), str) for name in TEXTS) or type(probe.layer) is not int:
        raise ValueError(f"layer, {', '.join(TEXTS)} are not a number and texts")
    if not isinstance(probe.protocol, dict):
        raise ValueError("its protocol is no table")


def _read(path: Path) -> bytes:
    try:
        return read_bytes(path, MOST_BYTES[path.suffix])
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: expected a probe written by interp (JSON and safetensors): {error}") from error
