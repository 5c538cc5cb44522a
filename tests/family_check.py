"""Whether a tiny model of a family gives through interp what plain Hugging Face gives: answers, streams, metrics."""

from pathlib import Path

import torch
from families import FAMILIES, LAYERS, N_NEW, N_PROMPT, N_TEXT, build, texts
from hooked_cases import answers_of, same
from safetensors.torch import load_file
from torch import Tensor

import interp
from interp.answering.generation import generate
from interp.capturing.attention import METRICS
from interp.models.loading import eos_token_ids, forward, has_pattern, hook_name, model_info

TOLERANCE = 1e-4
"""Relative to the largest entry."""


def check(name: str, references: Path, tokenizer: Path) -> str:
    """`right`, with what is left undefined; ModelError where the family is refused, AssertionError where it is wrong."""
    theirs = load_file(references / f"{name}.safetensors")
    model = interp.load_model(build(name), tokenizer=tokenizer)
    _answers(model, theirs)
    undefined = _captured(model, theirs)
    _right_padded(model, theirs)
    return "right" if not undefined else f"right; undefined: {undefined}"


def _answers(model, theirs: dict[str, Tensor]) -> None:
    """Greedy answers, batched, after a prefix that all share."""
    prompts = [text[:length] for text, length in zip(texts(), N_PROMPT, strict=True)]
    ends = eos_token_ids(model)
    for number, ours in enumerate(generate(model, prompts, max_new_tokens=N_NEW)):
        expected = theirs[f"{number}.greedy"].tolist()
        stop = next((at + 1 for at, token in enumerate(expected) if token in ends), N_NEW)
        assert ours.ids == expected[:stop], f"answer {number}: {ours.ids}, expected {expected[:stop]}"


def _captured(model, theirs: dict[str, Tensor]) -> str:
    """The stream of every layer and every metric, at every position, batched and alone; says what is NaN."""
    info, shown, undefined = model_info(model), has_pattern(model), set()
    prompts = [text[:length] for text, length in zip(texts(), N_PROMPT, strict=True)]
    completions = [text[length:] for text, length in zip(texts(), N_PROMPT, strict=True)]
    for samples in ((0, 1, 2, 3), (2,)):
        answers, positions = answers_of(prompts, completions, samples)
        cap = interp.capture(model, answers, positions)
        assert cap.layers == tuple(range(LAYERS)) and set(cap.attention) == set(METRICS)
        for row, number in enumerate(samples):
            valid = positions.valid[row]
            stream = theirs[f"{number}.resid_post"][:, positions.index[row, valid]]
            for layer in range(LAYERS):
                same(cap.resid[row, layer, valid], stream[layer], TOLERANCE)
                expected = _metrics(theirs, number, layer, answers_of(prompts, completions, (number,))[1], info.windows[layer])
                for metric, tensor in cap.attention.items():
                    ours = tensor[row, layer]
                    assert shown[layer] or ours.isnan().all()
                    if shown[layer] and metric in expected and not (metric == "value_norm" and ours.isnan().all()):
                        where = f"{metric} of layer {layer} in sample {number}"
                        torch.testing.assert_close(ours, expected[metric], atol=1e-4, rtol=1e-3, equal_nan=True, msg=lambda m, w=where: f"{w}: {m}")
                    elif ours.isnan().all():
                        undefined.add(metric if shown[layer] else f"pattern of layer {layer}")
    return ", ".join(sorted(undefined))


def _metrics(theirs: dict[str, Tensor], number: int, layer: int, positions, window: int | None) -> dict[str, Tensor]:
    """Every metric of one sample from Hugging Face's own pattern, `[head, role]`; none where the layer has none."""
    if f"{number}.pattern.{layer}" not in theirs:
        return {}
    pattern = theirs[f"{number}.pattern.{layer}"]
    metrics = {name: m[0] for name, m in interp.attention_metrics(pattern[None], positions, window=window).items()}
    if f"{number}.norms.{layer}" in theirs:
        valid = positions.valid[0]
        rows = torch.where(valid[:, None], pattern[:, positions.index[0].clamp_min(0)], torch.nan)
        metrics["value_norm"] = torch.einsum("hrk,hk->hr", rows, theirs[f"{number}.norms.{layer}"])
    return metrics


def _right_padded(model, theirs: dict[str, Tensor]) -> None:
    """What stands before padding does not know of it."""
    tokens = torch.tensor([text + [7] * (max(N_TEXT) - len(text)) for text in texts()])
    mask = (torch.arange(max(N_TEXT)) < torch.tensor(N_TEXT)[:, None]).long()
    seen: dict[int, Tensor] = {}
    hooks = {hook_name("resid_post", layer): (lambda t, layer=layer: seen.__setitem__(layer, t.clone())) for layer in range(LAYERS)}
    forward(model, tokens, mask, hooks=hooks)
    for number, length in enumerate(N_TEXT):
        for layer in range(LAYERS):
            same(seen[layer][number, :length], theirs[f"{number}.resid_post"][layer], TOLERANCE)


__all__ = ["FAMILIES", "check"]
