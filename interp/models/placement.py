"""Where a model's weights go, one device or all GPUs (by accelerate), and in which numbers."""

from typing import Any

import torch

from interp.errors import ModelError
from interp.support.arguments import one_of, one_text
from interp.support.messages import nearest

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}

SPREAD = "spread"
"""The device that means: as many GPUs as the weights need, layer by layer."""


def placement(device: str | torch.device) -> dict[str, Any]:
    """What `from_pretrained` is told so that weights land on `device` without a second copy.

    `auto` is the first GPU, else Apple's, else the CPU; `spread` lets accelerate lay the layers over all GPUs.
    Raises ModelError for a device that torch does not know or this machine does not have.
    """
    if device_name(device) == SPREAD:
        return {"device_map": "auto"}
    return {"device_map": {"": one_device(device)}}


def one_device(device: str | torch.device) -> torch.device:
    """The device of that name, of this machine. Raises ModelError for one that there is not."""
    name = device_name(device)
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        place = torch.device(name)
    except RuntimeError as error:
        known = ("auto", "cpu", "cuda", "mps", SPREAD)
        raise ModelError(
            f"device {name!r} is none of auto, cpu, cuda, cuda:1 …, mps, {SPREAD}{nearest(name, known)}"
        ) from error
    n_gpus = torch.cuda.device_count()
    if place.type == "cuda" and (place.index or 0) >= n_gpus:
        raise ModelError(f"device {device!r}: this machine has {n_gpus} GPUs that torch can use; try device='auto'")
    if place.type == "mps" and not torch.backends.mps.is_available():
        raise ModelError("device 'mps' is not available on this machine; try device='auto'")
    return place


def device_name(device: str | torch.device) -> str:
    """A device as text, as a run writes it down."""
    return str(device) if isinstance(device, torch.device) else one_text("device", device, error=ModelError)


def dtype_name(dtype: str | torch.dtype) -> str:
    """The name of one of the types that a run may load its model in. Raises ModelError for another."""
    name = str(dtype).removeprefix("torch.") if isinstance(dtype, torch.dtype) else dtype
    return one_of("dtype", name, DTYPES, error=ModelError)


def read_dtype(dtype: str | torch.dtype) -> torch.dtype:
    """The type of that name, or a floating type of torch as it is. Raises ModelError for another."""
    if isinstance(dtype, torch.dtype) and dtype.is_floating_point:
        return dtype
    return DTYPES[dtype_name(dtype)]


def is_spread(hf_model: Any) -> bool:
    """Whether a Hugging Face model lies on several devices; then only the bridge can carry it."""
    return len(set(getattr(hf_model, "hf_device_map", {}).values())) > 1
