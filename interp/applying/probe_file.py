"""A fitted probe on disk: weights as safetensors, what they are as JSON, nothing that could execute."""

import json
from dataclasses import fields
from hashlib import sha256
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, save

from interp.applying.fitted_probe import FittedProbe
from interp.applying.platt import Platt
from interp.errors import DataError
from interp.support.arguments import instance
from interp.support.arguments import path as path_of
from interp.support.atomic import make_folder, plain, write_chunks, write_json
from interp.support.public import public

FORMAT = 1
TENSORS = ("direction", "mean", "scale", "fold_direction", "fold_bias")


@public
def save_probe(probe: FittedProbe, path: str | Path) -> Path:
    """Write `path.safetensors` (float64 weights) and `path.json`; returns the JSON's path. RunError if that fails.

    >>> from interp.demo import planted
    >>> cap, answers = planted()
    >>> probe = interp.fit_probe(cap, answers.correct, layer=1, role="exact_answer_last")
    >>> interp.save_probe(probe, "truth").name
    'truth.json'
    """
    instance("probe", probe, FittedProbe, "it comes from fit_probe or load_probe")
    weights, text = _files(path)
    make_folder(weights.parent)
    digest = write_chunks(weights, [save({name: getattr(probe, name).contiguous() for name in TENSORS})])
    facts = {f.name: getattr(probe, f.name) for f in fields(probe) if f.name not in (*TENSORS, "platt")}
    thresholds = {rate: plain(threshold) for rate, threshold in probe.thresholds.items()}
    platt = {"slope": probe.platt.slope, "intercept": probe.platt.intercept}
    about = {"format": FORMAT, "weights_sha256": digest, "hook_point": probe.hook_point}
    write_json(text, about | facts | {"thresholds": thresholds, "platt": platt})
    return text


@public
def load_probe(path: str | Path) -> FittedProbe:
    """The probe that `save_probe` wrote, bit for bit. Raises DataError if a file is missing, damaged or foreign.

    >>> from interp.demo import planted
    >>> cap, answers = planted()
    >>> path = interp.save_probe(interp.fit_probe(cap, answers.correct, layer=1, role="exact_answer_last"), "truth")
    >>> interp.load_probe(path).layer
    1
    """
    weights, text = _files(path)
    try:
        facts: dict[str, Any] = json.loads(text.read_text(encoding="utf-8"))
        content = weights.read_bytes()
    except (OSError, ValueError) as error:
        raise DataError(f"{text}: expected a probe written by interp (JSON and safetensors), got {error}") from error
    if not isinstance(facts, dict) or facts.get("format") != FORMAT:
        raise DataError(
            f"{text}: expected a probe of format {FORMAT} written by interp; another version made this file"
        )
    if sha256(content).hexdigest() != facts.get("weights_sha256"):
        raise DataError(f"{weights}: these are not the weights that {text.name} describes; copy both files again")
    try:
        tensors = load(content)
        own: dict[str, Any] = {
            f.name: facts[f.name] for f in fields(FittedProbe) if f.name not in (*TENSORS, "platt", "thresholds")
        }
        thresholds = {rate: float("inf") if value is None else value for rate, value in facts["thresholds"].items()}
        own |= {name: tensors[name] for name in TENSORS}
        return FittedProbe(**own, platt=Platt(**facts["platt"]), thresholds=thresholds)
    except (SafetensorError, KeyError, TypeError) as error:
        raise DataError(f"{text}: the probe is damaged ({error})") from error


def _files(path: str | Path) -> tuple[Path, Path]:
    stem = path_of("path", path)
    stem = stem.with_suffix("") if stem.suffix in (".json", ".safetensors") else stem
    return stem.with_name(f"{stem.name}.safetensors"), stem.with_name(f"{stem.name}.json")
