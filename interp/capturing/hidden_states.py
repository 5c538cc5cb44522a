"""Hidden states as other libraries hand them over: by batch, by sample or by step of generation, read as one thing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from interp.errors import DataError
from interp.support.arrays import read_mask, read_whole_numbers
from interp.support.messages import shown

STATES, PATTERNS = "token width", "head query key"
"""The axes of what one sample has at one layer."""


@dataclass(frozen=True)
class HiddenStates:
    """What a pass left of every sample, without padding: views of what was given, nothing is copied."""

    tokens: list[tuple[int, ...]]
    """Each sample's token ids."""
    states: list[list[Float[Tensor, "_ width"]]]
    """Per sample, one tensor `token width` per layer that was given; shorter than the ids where the last never ran."""
    patterns: list[list[Float[Tensor, "head _ _"]]] | None = None
    """The same of attention, `head query key`, from the first block on; None where there is none."""

    @property
    def n_states(self) -> int:
        """How many layers of states there are."""
        return len(self.states[0])


def read_hidden_states(token_ids: Any, states: Any, attentions: Any, attention_mask: Any) -> HiddenStates:
    """The states of every sample. Raises DataError for shapes that do not fit, and for what could be read two ways."""
    tokens, begin = _tokens(token_ids, attention_mask)
    if not tokens:
        raise DataError("token_ids: expected at least one sample, got none")
    of_states, padded = _samples("states", states, len(tokens), STATES)
    cut = [_place(i, tokens[i], begin[i], len(layers[0]), padded) for i, layers in enumerate(of_states)]
    found = [[layer[part] for layer in layers] for layers, part in zip(of_states, cut, strict=True)]
    if uneven := [i for i, layers in enumerate(of_states) if len({layer.shape for layer in layers}) > 1]:
        raise DataError(f"states: the layers of sample {uneven[0]} have different shapes; give those of one pass")
    if attentions is None:
        return HiddenStates(tokens, found)
    of_patterns, _ = _samples("attentions", attentions, len(tokens), PATTERNS)
    for i, (layers, of) in enumerate(zip(of_patterns, of_states, strict=True)):
        if odd := [pattern for pattern in layers if pattern.shape[1:] != (len(of[0]),) * 2]:
            raise DataError(
                f"attentions: sample {i} has {shown(odd[0])}, `head query key`, its states {len(of[0])} tokens; give "
                "the attention of the same pass (a sliding window's cache keeps fewer keys: run whole samples at once)"
            )
    patterns = [[one[:, part, part] for one in layers] for layers, part in zip(of_patterns, cut, strict=True)]
    return HiddenStates(tokens, found, patterns)


def _tokens(token_ids: Any, attention_mask: Any) -> tuple[list[tuple[int, ...]], list[int | None]]:
    """Each sample's own ids, and the column at which it begins in a padded batch (None: not said)."""
    _several("token_ids", token_ids, "the ids of every sample, `sample token`")
    if getattr(token_ids, "ndim", 2) != 2:
        raise DataError(f"token_ids: expected `sample token`, got {shown(token_ids)}")
    rows = [read_whole_numbers("token_ids", one).reshape(-1).tolist() for one in token_ids]
    if attention_mask is None:
        whole = None if not hasattr(token_ids, "ndim") else 0  # an array without a mask holds no padding
        return [tuple(row) for row in rows], [whole] * len(rows)
    mask = read_mask("attention_mask", attention_mask)
    if mask.ndim != 2 or len(mask) != len(rows):
        raise DataError(f"attention_mask: expected `sample token` for {len(rows)} samples, got {shown(attention_mask)}")
    tokens: list[tuple[int, ...]] = []
    begin: list[int | None] = []
    for i, (row, there) in enumerate(zip(rows, mask, strict=True)):
        at = there.nonzero()[0]
        first, end = (int(at[0]), int(at[-1]) + 1) if len(at) else (0, 0)
        if len(at) != end - first:
            raise DataError(f"attention_mask: sample {i} has padding between its tokens; pad on one side")
        if len(row) < mask.shape[1]:  # given without padding
            own = row
            if len(row) != len(at):
                raise DataError(f"token_ids: sample {i} has {len(row)} ids, the attention_mask {len(at)} tokens")
        else:  # what `generate` added stands behind the mask of the prompts
            own = row[first : end if end < mask.shape[1] else len(row)]
        tokens.append(tuple(own))
        begin.append(first)
    return tokens, begin


def _place(i: int, tokens: Sequence[int], begin: int | None, length: int, padded: bool) -> slice:
    """Where a sample's tokens stand among those that its states have."""
    if begin is None and length > len(tokens):
        raise DataError(
            f"states: sample {i} has {length} states and {len(tokens)} token ids: say by attention_mask what is padding"
        )
    first = (begin or 0) if padded or length > len(tokens) else 0  # one that ran alone was not padded
    end = min(first + len(tokens), length)
    if end <= first:
        raise DataError(
            f"states: sample {i} has {length} states, its tokens begin at {first}: give states and ids alike"
        )
    return slice(first, end)


def _samples(name: str, values: Any, n: int, axes: str) -> tuple[list[list[Tensor]], bool]:
    """Per sample, its layers, and whether they stood in a common batch.

    They come as one tensor per layer, one entry per sample, or one per step of generation.
    """
    size = len(axes.split())
    _several(name, values, f"one array `sample {axes}` per layer, or layers per sample")
    if any(one is None for one in values):
        raise DataError(
            f"{name}: one of them is None; Hugging Face gives attentions only with attn_implementation='eager'"
        )
    entries = [list(one) if isinstance(one, list | tuple) else _tensor(name, one) for one in values]
    if all(isinstance(one, Tensor) for one in entries):
        return _of_arrays(name, entries, n, axes)
    if not all(isinstance(one, list) and one for one in entries):
        raise DataError(f"{name}: some entries are arrays and some are lists of them; give all alike")
    nested = [[_tensor(name, layer) for layer in one] for one in entries]
    dims = {layer.ndim for one in nested for layer in one}
    if len({len(one) for one in nested}) > 1 or len(dims) > 1:
        raise DataError(f"{name}: the entries hold different numbers of layers or axes; give all samples alike")
    if dims == {size} and len(nested) == n:
        return nested, False
    batch = {len(layer) for one in nested for layer in one}
    if dims == {size + 1} and batch == {1} and len(nested) == n > 1:  # one pass per sample
        return [[layer[0] for layer in one] for one in nested], False
    if dims == {size + 1} and batch == {n}:  # one pass per token, as `generate` gives them
        joined = [_joined(name, [step[layer] for step in nested], size) for layer in range(len(nested[0]))]
        return _of_arrays(name, joined, n, axes)
    raise DataError(
        f"{name}: expected {n} samples, as their token_ids, each `layer {axes}`; got {len(nested)} entries of "
        f"{shown(nested[0][0])}"
    )


def _of_arrays(name: str, entries: list[Any], n: int, axes: str) -> tuple[list[list[Tensor]], bool]:
    size = len(axes.split())
    if all(one.ndim == size + 1 for one in entries):
        by_layer, by_sample = all(len(one) == n for one in entries), len(entries) == n
        if by_layer and by_sample and n > 1:
            raise DataError(
                f"{name}: {n} arrays of {n} entries each may be layers or samples; give one list of layers per sample"
            )
        if by_layer:
            return [[one[i] for one in entries] for i in range(n)], True
        if by_sample and len({len(one) for one in entries}) == 1:
            return [list(one) for one in entries], False
    raise DataError(
        f"{name}: expected one array `sample {axes}` per layer for {n} samples, or {n} arrays `layer {axes}`, got "
        f"{len(entries)} of {shown(entries[0])}"
    )


def _joined(name: str, steps: list[Tensor], size: int) -> Tensor:
    """The passes of one layer, one behind the other; of attention each sees the keys up to its own queries."""
    if size == 2:
        return torch.cat(steps, dim=1)
    total = sum(step.shape[2] for step in steps)
    rows, seen = [], 0
    for step in steps:
        seen += step.shape[2]
        if step.shape[3] != seen:
            raise DataError(
                f"{name}: a step has {step.shape[3]} keys where {seen} tokens had run (a cache of fixed size, or of a "
                "sliding window); run the whole samples once more in one pass"
            )
        rows.append(torch.nn.functional.pad(step, (0, total - seen)))
    return torch.cat(rows, dim=2)


def _several(name: str, values: Any, form: str) -> None:
    """Raise DataError for what is no list or array of something."""
    plain = isinstance(values, Sequence) and not isinstance(values, str | bytes)
    if not (plain or getattr(values, "ndim", 0) > 0) or isinstance(values, type) or not len(values):
        raise DataError(f"{name}: expected {form}, got {shown(values)}")


def _tensor(name: str, value: Any) -> Tensor:
    try:
        tensor = value.detach() if isinstance(value, Tensor) else torch.as_tensor(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise DataError(f"{name}: expected arrays of numbers, got {shown(value)}") from error
    if not tensor.is_floating_point() or tensor.ndim < 2:
        raise DataError(f"{name}: expected arrays of floating-point numbers with a token axis, got {shown(value)}")
    return tensor
