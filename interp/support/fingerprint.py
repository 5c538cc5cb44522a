"""What a run was made from: hashes of weights and tokenizer, and the versions of all that touches a number."""

import hashlib
import json
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the hash of a record needs no torch
    import torch

PACKAGES = (
    "interp",
    "transformer-lens",
    "torch",
    "transformers",
    "tokenizers",
    "einops",
    "scikit-learn",
    "numpy",
    "scipy",
    "pandas",
    "xarray",
)
_BLOCK = 1 << 24


def versions() -> dict[str, str]:
    """Version of Python and of every package a number depends on."""
    out = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            out[package] = version(package)
        except PackageNotFoundError:
            out[package] = "not installed"
    return out


def json_hash(value: Any) -> str:
    """SHA-256 of a JSON-able value, keys sorted."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def file_hash(path: Any) -> str:
    """SHA-256 of the bytes of a file (a Path, or what opens like one), read a piece at a time."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def weights_hash(model: "torch.nn.Module") -> str:
    """SHA-256 over names, shapes, dtypes and bytes of all weights."""
    import torch

    digest = hashlib.sha256()
    for name, weight in sorted(model.state_dict().items()):
        if not isinstance(weight, torch.Tensor):
            continue
        digest.update(f"{name} {tuple(weight.shape)} {weight.dtype}".encode())
        raw = weight.detach().contiguous().reshape(-1).view(torch.uint8)
        for block in raw.split(_BLOCK):
            digest.update(memoryview(block.cpu().numpy()))
    return digest.hexdigest()


def tokenizer_hash(tokenizer: Any) -> str:
    """SHA-256 of a tokenizer's vocabulary, merges, normaliser, special tokens and chat template."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    core = json.loads(backend.to_str()) if backend is not None else tokenizer.get_vocab()
    for state in ("padding", "truncation"):  # what the last call left behind is no part of the tokenizer
        core.pop(state, None)
    return json_hash(
        [core, sorted(map(str, tokenizer.special_tokens_map.items())), getattr(tokenizer, "chat_template", None)]
    )
