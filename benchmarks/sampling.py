"""Ten sampled answers a question against Hugging Face's `generate(num_return_sequences=10)`, question by question.

    python benchmarks/sampling.py            # the embedded model
    python benchmarks/sampling.py --quick    # fewer questions and turns
    python benchmarks/sampling.py --gemma    # Gemma 3 270M

Prompts are 100 tokens of solved questions, the same for all, and a question. Both sides draw at temperature 1 from all
tokens, end at the model's own ends or a line break, and are timed in turns in one process with one thread; a figure
is the median over turns of the peer's time divided by ours. Both draw from the same distribution, so their answers are
equally long but for chance: the table says how long. Ours adds the greedy answer in a second row. HookedTransformer
keeps keys as they are before the rotation and rotates all of them at every step: most of its time, not ours to mend.
"""

import argparse
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from measuring import Figure, in_turns, one_thread, parser, print_figures, print_header, print_row, progress, ratio
from transformers import AutoModelForCausalLM

import interp
from interp import demo
from interp.generating.generation import generate
from interp.models.gguf import converted_folder, gemma3_file
from interp.models.loading import eos_token_ids, model_info, model_tokenizer

SHARED, SAMPLES = 100, 10
TARGET = 3.0
Ids = list[list[int]]


def arguments() -> argparse.ArgumentParser:
    options = parser(__doc__, quick="fewer questions and turns")
    options.add_argument("--gemma", action="store_true", help="Gemma 3 270M instead of the embedded model")
    return options


def few_shot(tokenizer: Any, n: int) -> Ids:
    """Prompts that begin with the same 100 tokens of solved questions."""
    rows = interp.load_rows(demo.questions_path())
    solved = "".join(f"Question: {row.question}\nAnswer: {row.answers[0]}\n" for row in rows[-40:])
    shared = tokenizer(solved)["input_ids"][:SHARED]
    asked = [f"\nQuestion: {row.question}\nAnswer:" for row in rows[:n]]
    return [shared + tokenizer(text, add_special_tokens=False)["input_ids"] for text in asked]


def ours(model: Any, prompts: Ids, new: int, *, greedy_too: bool) -> list[int]:
    """Tokens of every drawn answer; all questions in one call."""
    draws = [*range(SAMPLES), *(["greedy"] if greedy_too else [])]
    names = [f"{i}#{draw}" for i in range(len(prompts)) for draw in draws]
    each = [prompt for prompt in prompts for _ in draws]
    greedy = [name for name in names if name.endswith("greedy")]
    done = generate(
        model, each, max_new_tokens=new, stop=["\n"], temperature=1.0, names=names, greedy=greedy, batch_tokens=1 << 15
    )
    return [len(one.ids) for one in done]


def theirs(peer: Any, prompts: Ids, new: int, ends: list[int]) -> list[int]:
    """The same by Hugging Face, which pads the ten answers to the longest."""
    lengths = []
    for prompt in prompts:
        tokens = torch.tensor([prompt])
        found = peer.generate(
            tokens,
            attention_mask=torch.ones_like(tokens),
            do_sample=True,
            temperature=1.0,
            top_k=0,
            top_p=1.0,
            num_return_sequences=SAMPLES,
            max_new_tokens=new,
            eos_token_id=ends,
            pad_token_id=0,
        )
        for one in found[:, len(prompt) :].tolist():
            lengths.append(next((i + 1 for i, token in enumerate(one) if token in ends), len(one)))
    return lengths


def main() -> None:
    args = arguments().parse_args()
    one_thread()
    name = "gemma" if args.gemma else "demo"
    folder = str(converted_folder(gemma3_file()) if args.gemma else demo.model_path())
    n, repeats = (4, 1) if args.quick else (12, 3)
    peer: Any = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True).eval()
    wrapped = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True, attn_implementation="eager").eval()
    models = [interp.load_model(wrapped, tokenizer=folder)]
    loaded = interp.load_model(folder)
    if model_info(loaded).backend != model_info(models[0]).backend:
        models.append(loaded)
    tokenizer = model_tokenizer(loaded)
    prompts, new = few_shot(tokenizer, n), 16
    # A token that ends in a line break ends an answer on both sides.
    breaks = [i for i in range(model_info(loaded).d_vocab) if "\n" in tokenizer.decode([i])]
    ends = sorted({*eos_token_ids(loaded), *breaks})
    figures = []
    print_header("class", "answers", "tokens an answer, theirs", "ours", "their time ÷ ours", "CPU", "target")
    for model in models:
        kind = model_info(model).backend
        progress(f"{kind}, {n} questions, {SAMPLES} answers each")
        for greedy_too in (False, True):
            sides: dict[str, Callable[[], list[int]]] = {
                "ours": partial(ours, model, prompts, new, greedy_too=greedy_too),
                "theirs": partial(theirs, peer, prompts, new, ends),
            }
            torch.manual_seed(0)
            with torch.inference_mode():
                spent, lengths = in_turns(sides, repeats)
            found = ratio(spent["theirs"], spent["ours"])
            figure = f"{name}_{kind}_{SAMPLES}_samples{'_and_greedy' if greedy_too else ''}_hugging_face_over_ours"
            wall = Figure(figure, found.clock, "Hugging Face generate", "higher", TARGET)
            figures += [wall, Figure(f"{figure}_cpu", found.cpu, "Hugging Face generate", "higher", TARGET)]
            mean = {side: sum(length) / len(length) for side, length in lengths.items()}
            answers = f"{SAMPLES}{' and the greedy one' if greedy_too else ''}"
            cells = (kind, answers, *(f"{mean[side]:.1f}" for side in ("theirs", "ours")))
            print_row(*cells, f"{found.clock:.2f}", f"{found.cpu:.2f}", wall.target_cell())
    print_figures("sampling", figures)


if __name__ == "__main__":
    main()
