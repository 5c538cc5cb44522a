"""A Capture as a notebook shows it: its axes and arrays, told by their shapes alone; no number of them is read."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from interp.capturing.on_disk import OnDisk
from interp.support.html_repr import Html, box, section, settings_section, table
from interp.support.units import gigabytes, share

if TYPE_CHECKING:
    from interp.capturing.activations import Capture


def capture_html(cap: "Capture") -> str:
    """`Capture._repr_html_`."""
    controls = {name: values for name in ("embed", "question_embed") if (values := getattr(cap, name)) is not None}
    arrays = [*cap.sites.values(), *cap.attention.values(), *controls.values()]
    line = [
        f"{len(cap.id)} samples",
        f"{len(cap.layers)} layers",
        f"{len(cap.roles)} roles",
        gigabytes(sum(map(_bytes, arrays))),
    ]
    axes = {"embed": "sample × role × width", "question_embed": "sample × width"}
    sections = [
        _arrays("Sites", cap.sites, dict.fromkeys(cap.sites, "sample × layer × role × width"), opened=True),
        _arrays("Attention metrics", cap.attention, dict.fromkeys(cap.attention, "sample × layer × head × role")),
        *([_arrays("Embeddings", controls, axes)] if controls else []),
        section("Roles", _roles(cap), note=len(cap.roles)),
        section("Layers", Html(", ".join(map(str, cap.layers))), note=len(cap.layers)),
        *settings_section(cap.settings),
    ]
    return box("Capture", line, sections)


def _arrays(title: str, arrays: Mapping[str, Any], axes: Mapping[str, str], *, opened: bool = False) -> Html:
    rows = [
        (
            name,
            axes[name],
            " × ".join(map(str, values.shape)),
            str(values.dtype).removeprefix("torch."),
            gigabytes(_bytes(values)),
            "on disk" if isinstance(values, OnDisk) else str(getattr(values, "device", "cpu")),
        )
        for name, values in arrays.items()
    ]
    names = ", ".join(arrays) if arrays else "none"
    return section(
        title, table(("", "axes", "shape", "type", "size", "where"), rows, right=["size"]), note=names, opened=opened
    )


def _bytes(values: Any) -> int:
    return int(math.prod(values.shape) * values.dtype.itemsize)


def _roles(cap: "Capture") -> Html:
    counts = zip(cap.roles, cap.valid.sum(0).tolist(), strict=True)
    return table(
        ("role", "samples", "share"), [(role, n, share(n, len(cap.id))) for role, n in counts], right=["share"]
    )
