"""Where a model's weights go: one device, or spread over all GPUs by accelerate."""

from typing import Any

import torch

from interp.errors import ModelError

SPREAD = "spread"
"""The device that means: as many GPUs as the weights need, layer by layer."""


def placement(device: str | torch.device) -> dict[str, Any]:
    """What `from_pretrained` is told so that weights land on `device` without a second copy.

    `auto` is the first GPU, else Apple's, else the CPU; `spread` lets accelerate lay the layers over all GPUs.
    Raises ModelError for a device that torch does not know or this machine does not have.
    """
    if device == SPREAD:
        return {"device_map": "auto"}
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        place = torch.device(device)
    except RuntimeError as error:
        raise ModelError(f"device {device!r} is none of auto, cpu, cuda, cuda:1 …, mps, {SPREAD}") from error
    n_gpus = torch.cuda.device_count()
    if place.type == "cuda" and (place.index or 0) >= n_gpus:
        raise ModelError(f"device {device!r}: this machine has {n_gpus} GPUs that torch can use; try device='auto'")
    if place.type == "mps" and not torch.backends.mps.is_available():
        raise ModelError("device 'mps' is not available on this machine; try device='auto'")
    return {"device_map": {"": place}}


def is_spread(hf_model: Any) -> bool:
    """Whether a Hugging Face model lies on several devices; then only the bridge can carry it."""
    return len(set(getattr(hf_model, "hf_device_map", {}).values())) > 1
