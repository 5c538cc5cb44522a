"""Whether a tiny model of a family gives through interp what plain Hugging Face gives: answers, streams, metrics.

python tests/family_check.py     # writes the column of the installed versions into docs/architectures.md
"""

import re
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import torch
from families import FAMILIES, LAYERS, N_NEW, N_PROMPT, N_TEXT, build, texts
from hooked_cases import answers_of, same
from safetensors.torch import load_file
from torch import Tensor

import interp
from interp.capturing.attention import METRICS
from interp.generating.generation import generate
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
    return "right" if not undefined else f"right; NaN: {undefined}"


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
                expected = _metrics(
                    theirs, number, layer, answers_of(prompts, completions, (number,))[1], info.windows[layer]
                )
                for metric, tensor in cap.attention.items():
                    ours = tensor[row, layer]
                    assert shown[layer] or ours.isnan().all()
                    if shown[layer] and metric in expected and not (metric == "value_norm" and ours.isnan().all()):
                        where = f"{metric} of layer {layer} in sample {number}"
                        torch.testing.assert_close(
                            ours,
                            expected[metric],
                            atol=1e-4,
                            rtol=1e-3,
                            equal_nan=True,
                            msg=lambda m, w=where: f"{w}: {m}",
                        )
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
    hooks = {
        hook_name("resid_post", layer): (lambda t, layer=layer: seen.__setitem__(layer, t.clone()))
        for layer in range(LAYERS)
    }
    forward(model, tokens, mask, hooks=hooks)
    for number, length in enumerate(N_TEXT):
        for layer in range(LAYERS):
            same(seen[layer][number, :length], theirs[f"{number}.resid_post"][layer], TOLERANCE)


DOCUMENT = Path(__file__).parents[1] / "docs" / "architectures.md"


def versions() -> str:
    """The heading of a column."""
    return f"TransformerLens {version('transformer-lens')}, transformers {version('transformers')}"


def references(folder: Path, names: list[str]) -> None:
    """Hugging Face's numbers, from a process without TransformerLens."""
    script = Path(__file__).with_name("families.py")
    subprocess.run([sys.executable, "-W", "ignore", script, folder, *names], check=True, capture_output=True)


def outcome(name: str, folder: Path, tokenizer: Path) -> str:
    """What the table says of a family: `right`, or the first words of the sentence that refuses it."""
    try:
        return check(name, folder, tokenizer)
    except interp.ModelError as error:
        assert "\n" not in str(error)
        return "refused: " + re.split(r" \(|: ", str(error))[0]


def rows(text: str) -> list[list[str]]:
    """The cells of the table, its heading first."""
    lines = [line for line in text.splitlines() if line.startswith("|") and not line.startswith("|---")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def written(text: str, found: dict[str, str]) -> str:
    """The document with the column of the installed versions as `found`, and one row for each family."""
    heading, *old = rows(text)
    kinds = heading[2:] if versions() in heading else [*heading[2:], versions()]
    before = {row[0]: dict(zip(heading[2:], row[2:], strict=True)) for row in old}
    table = [["family", "model type", *kinds], ["---"] * (2 + len(kinds))]
    for name, (model_type, _) in FAMILIES.items():
        cells = before.get(name, {}) | {versions(): found[name]}
        table.append([name, f"`{model_type}`", *(cells.get(kind, "") for kind in kinds)])
    lines = [f"|{'|'.join(row)}|" if row[0] == "---" else f"| {' | '.join(row)} |" for row in table]
    first = text.index("|")
    rest = text[first:].split("\n\n", 1)
    return text[:first] + "\n".join(lines) + "\n" + ("\n" + rest[1] if len(rest) > 1 else "")


def main() -> None:
    from byte_tokenizer import save_byte_tokenizer

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        save_byte_tokenizer(folder / "tokenizer")
        references(folder, [])
        found = {name: outcome(name, folder, folder / "tokenizer") for name in FAMILIES}
    DOCUMENT.write_text(written(DOCUMENT.read_text(encoding="utf-8"), found), encoding="utf-8")
    print(f"{versions()}: {sum(one.startswith('right') for one in found.values())} of {len(found)} right")


if __name__ == "__main__":
    main()
