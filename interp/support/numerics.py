"""What the last digits of a run depend on besides settings, versions and batches: processor, instructions, threads."""

import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from interp.errors import RunError

REPEATED = ("threads",)
"""What a run that goes on sets as it was; the rest is the machine's."""


def numerics(device: torch.device | str = "cpu") -> dict[str, Any]:
    """The `processor` that computes on `device`, the vector `instructions` that torch uses there, torch's `threads`.

    `matmul_precision` is torch's own setting (`torch.set_float32_matmul_precision`): below "highest" the products on
    some GPUs round to 10 bits.
    """
    device = torch.device(device)
    on_gpu = device.type == "cuda"
    try:
        precision = torch.get_float32_matmul_precision()
    except RuntimeError:  # set for one backend only
        precision = "by backend"
    return {
        "processor": torch.cuda.get_device_name(device) if on_gpu else _processor(),
        "instructions": "CUDA" if on_gpu else torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "matmul_precision": precision,
    }


def recorded_threads(record: Mapping[str, Any]) -> int:
    """The threads with which a run's model computes; those of now, where an earlier version did not write them down."""
    return int(record.get("numerics", {}).get("model", {}).get("threads", torch.get_num_threads()))


def check_repeatable(record: Mapping[str, Any], out: Path, device: torch.device | str) -> None:
    """Raise RunError where the model would compute other last digits on `device` than those that the run began with."""
    then, now = record.get("numerics", {}).get("model", {}), numerics(device)
    if changed := [key for key in then if key not in REPEATED and then[key] != now.get(key)]:
        details = ", ".join(f"{key} {then[key]} then, {now.get(key)} now" for key in changed)
        raise RunError(
            f"{out}: the model's part of this run is not finished, and here it would get other last digits "
            f"({details}); go on with it on a machine like the one it began on, or start a new run"
        )


def _processor() -> str:
    """The processor's name, as Linux has it, else as Python does."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())
