"""One run taken apart by a label of its samples: by question template, or by labels that the caller has."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from interp.errors import DataError
from interp.experiments.transferring.run_samples import RunSamples
from interp.labelling.template_check import templates
from interp.support.axes import places
from interp.support.messages import shown


def parts_of(run: RunSamples, by: Any, *, min_per_class: int) -> tuple[list[RunSamples], dict[str, str]]:
    """The parts of a run, by name, and those too small to be one, each with the reason.

    Raises DataError for labels of other samples, or where fewer than two parts are left.
    """
    named = _labels(run, by)
    parts, left_out = [], {}
    for name in sorted(set(named)):
        some = np.array([label == name for label in named])
        right, n = int(run.samples.y[some].sum()), int(some.sum())
        if min(right, n - right) < min_per_class:
            left_out[name] = f"{right} correct and {n - right} wrong samples, at least {min_per_class} of each needed"
        else:
            parts.append(run.at(some, name))
    if len(parts) < 2:
        why = "; ".join(f"{name}: {reason}" for name, reason in left_out.items()) or "all samples are of one part"
        raise DataError(f"by: {run.name} falls into fewer than two parts that can be probed ({why})")
    return parts, left_out


def _labels(run: RunSamples, by: Any) -> list[str]:
    """The label of every sample."""
    if by == "template":
        return templates(run.question)
    if not isinstance(by, Mapping):
        raise DataError(f"by: expected 'template' or {{sample id: label}}, got {shown(by)}")
    known = {str(sample): str(label) for sample, label in by.items()}
    places("by", run.samples.ids, list(known), where="the labels", remedy="give every sample that is probed a label")
    return [known[sample] for sample in run.samples.ids]
