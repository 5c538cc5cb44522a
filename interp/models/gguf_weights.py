"""The weights of a GGUF file as safetensors, tensor by tensor: the model is never in memory.

Which tensor is which weight, and what is done to it (rows of queries and keys in another order, norms less one), is
transformers' own table.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch

from interp.errors import ModelError
from interp.models.gguf_metadata import value
from interp.models.gguf_reader import PIECE, lean_reading, rows, values
from interp.models.remote_code import NO_CODE
from interp.support.safetensors_stream import describe, layout

Pieces = Iterator[torch.Tensor]
"""The numbers of one weight in their order, some at a time."""


def write_weights(path: Path, reader: Any, empty: Any, target: Path, dtype: torch.dtype) -> None:
    """Write the weights of a GGUF file under the names and shapes of `empty`, a model on torch's meta device.

    Matrices are written in `dtype`; vectors, of which transformers keeps some in float32, always in float32; weights
    that are tied, once. Raises ModelError where the file lacks a weight or has one of another shape.
    """
    weights = empty.state_dict(keep_vars=True)
    first = {id(weight): name for name, weight in reversed(weights.items())}
    kept = {name: first[id(weight)] for name, weight in weights.items()}
    specs = describe({name: weights[name] for name in kept.values()})
    for spec in specs.values():
        spec["dtype"] = str(dtype if len(spec["shape"]) > 1 else torch.float32).removeprefix("torch.")
    head, starts = layout(specs, {"format": "pt"})
    written: set[str] = set()
    with target.open("wb") as file:
        file.write(head)
        for name, pieces in _tensors(path, reader, empty, dtype):
            if name not in kept:
                continue
            spec, begin = specs[kept[name]], starts[kept[name]]
            file.seek(begin)
            for piece in pieces:
                numbers = piece.reshape(-1).to(getattr(torch, spec["dtype"]))
                file.write(numbers.view(torch.uint8).numpy().data)
            size = int(np.prod(spec["shape"])) * getattr(torch, spec["dtype"]).itemsize
            if file.tell() - begin != size:
                raise ModelError(f"{path}: the tensor for {name} is not of the shape {tuple(spec['shape'])}")
            written.add(kept[name])
    if lacking := sorted(specs.keys() - written):
        some = ", ".join(lacking[:3]) + (" …" if len(lacking) > 3 else "")
        raise ModelError(
            f"{path}: {len(lacking)} weights of {type(empty).__name__} are not in the file, or transformers does not "
            f"know them by their names there: {some}"
        )


def _tensors(path: Path, reader: Any, empty: Any, dtype: torch.dtype) -> Iterable[tuple[str, Pieces]]:
    """Name and numbers of every weight that transformers finds in the file."""
    architecture = value(reader, "general.architecture")
    return _loaded(path, dtype) if loads_lazily(architecture) else _processed(path, reader, empty, architecture)


def loads_lazily(architecture: str | None) -> bool:
    """Whether this transformers has no table of tensors for an architecture any more, but reads them one at a time."""
    try:
        return bool(import_module("transformers.integrations.gguf").is_gguf_arch_supported(architecture))
    except (ImportError, AttributeError):
        return False


def _loaded(path: Path, dtype: torch.dtype) -> Iterator[tuple[str, Pieces]]:
    """From a model that transformers has loaded in `dtype`, unpacked also where it has kernels for packed weights."""
    from transformers import AutoModelForCausalLM, GgufConfig

    model = AutoModelForCausalLM.from_pretrained(
        path.parent, gguf_file=path.name, dtype=dtype, quantization_config=GgufConfig(dequantize=True), **NO_CODE
    )
    for name, weight in model.state_dict().items():
        yield name, _pieces(weight)


def _processed(path: Path, reader: Any, empty: Any, architecture: str) -> Iterator[tuple[str, Pieces]]:
    """By transformers' table: the name of each tensor, and what its processor for the architecture makes of it."""
    table: Any = import_module("transformers.modeling_gguf_pytorch_utils")
    with lean_reading():
        config = table.load_gguf_checkpoint(path, return_tensors=False)["config"]
    processor = table.TENSOR_PROCESSORS.get(architecture, table.TensorProcessor)(config=config)
    names = table.get_gguf_hf_weights_map(empty, processor)
    sources = Counter(names.values())
    arrived: Counter[str] = Counter()
    merged: dict[str, dict[str, torch.Tensor]] = {"tensors": {}}
    """What a processor puts together itself, such as one weight of experts from two tensors."""

    def process(numbers: Any, name: str, into: dict[str, Any]) -> Any:
        return processor.process(weights=numbers, name=name, tensor_key_mapping=names, parsed_parameters=into)

    for tensor in reader.tensors:
        # Most tensors are taken as they are, and then some rows at a time; a stand-in without memory tells which.
        nothing = np.broadcast_to(np.float32(-1), tensor.shape[::-1].tolist())  # Mamba takes log(-number)
        tried = process(nothing, tensor.name, {"tensors": {}})
        if tried.weights is nothing and tried.name is not None:
            if tried.name in names:
                yield names[tried.name], map(torch.from_numpy, rows(path, tensor))
            continue
        made = process(values(path, tensor), tensor.name, merged)
        if made.name in names:
            yield names[made.name], _pieces(torch.from_numpy(np.ascontiguousarray(made.weights)))
        del made
        part_of = names.get(tensor.name) or names.get(tensor.name.rpartition(".")[0], "")
        arrived[part_of] += 1
        if part_of in merged["tensors"] and arrived[part_of] >= sources[part_of]:
            yield part_of, _pieces(merged["tensors"].pop(part_of))
    for name, weight in merged["tensors"].items():
        yield name, _pieces(weight)


def _pieces(weight: torch.Tensor) -> Pieces:
    return iter(weight.reshape(-1).split(PIECE))
