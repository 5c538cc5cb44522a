"""Answers by token ids for patching, and a straight loop of plain Hugging Face passes that patches them."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
import xarray as xr

import interp
from interp.capturing.positions import Positions
from interp.labelling.answers import Answers

ROLES = ("early", "last_q", "before", "exact")
BEFORE = 2
"""Tokens of a completion before its exact answer."""
SMALL = {"probe": "mass-mean", "folds": 2, "min_per_class": 2, "n_jobs": 1}


@dataclass(frozen=True)
class Asked:
    """What `patch_grid` takes beside a model."""

    cap: interp.Capture
    answers: Answers
    grid: xr.Dataset

    def patched(self, model: Any, **options: Any) -> xr.Dataset:
        return interp.patch_grid(self.cap, self.answers, self.grid, model=model, **options)


def random_answers(n: int = 24, *, longest: int = 3, vocab: int = 300, seed: int = 0, spread: int = 3) -> Answers:
    """Prompts of 7 to 7 + spread - 1 tokens, and exact answers of 1 to `longest`; every second one is right."""
    rng = np.random.default_rng(seed)
    prompts = [rng.integers(3, vocab, 7 + i // 2 % spread).tolist() for i in range(n)]
    exact = [rng.integers(3, vocab, 1 + rng.integers(longest)).tolist() for _ in range(n)]
    return answers_by_ids(prompts, exact, [i % 2 == 0 for i in range(n)], rng.integers(3, vocab, (n, 3)).tolist())


def answers_by_ids(
    prompts: list[list[int]], exact: list[list[int]], correct: list[bool], around: list[list[int]]
) -> Answers:
    """`around`: the two tokens before the exact answer, and the one behind it."""
    n = len(prompts)
    return Answers(
        id=[f"s{i}" for i in range(n)],
        question=[f"Where is q{i}?" for i in range(n)],
        group=[f"g{i}" for i in range(n)],
        prompt=["?"] * n,
        prompt_ids=prompts,
        completion_ids=[[*a[:BEFORE], *e, *a[BEFORE:]] for a, e in zip(around, exact, strict=True)],
        text=["?"] * n,
        finish=["stop"] * n,
        logprobs=[None] * n,
        correct=correct,
        exact_answer=[f"e{i}" for i in range(n)],
        exact_answer_method=["row"] * n,
        exact_answer_tokens=[
            (len(p) + BEFORE, len(p) + BEFORE + len(e) - 1) for p, e in zip(prompts, exact, strict=True)
        ],
        question_tokens=[None] * n,
        status=["ok"] * n,
    )


def asked_of(model: Any, answers: Answers) -> Asked:
    """Four roles: four tokens before the prompt's end, its last, the token before the exact answer, its first."""
    length = np.array([len(prompt) for prompt in answers.prompt_ids])
    ids = [[*p, *c] for p, c in zip(answers.prompt_ids, answers.completion_ids, strict=True)]
    places = np.stack([length - 4, length - 1, length + BEFORE - 1, length + BEFORE], axis=1)
    positions = Positions.at(places, [len(one) for one in ids], roles=ROLES, n_prompt=length.tolist())
    cap = interp.capture(model, answers, positions)
    return Asked(cap, answers, interp.probe_grid(cap, answers, **SMALL))


def hugging_face(folder: Any, *, tokenizer: Any = None) -> tuple[Any, Any]:
    """A plain model that nothing hooks, and the same one hooked by interp; another object, of the same files."""
    from transformers import AutoModelForCausalLM

    plain, wrapped = (AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager").eval() for _ in "ab")
    return plain, interp.load_model(wrapped, tokenizer=tokenizer or folder)


class Plain:
    """A Hugging Face model whose states are kept and replaced by forward hooks, one pass at a time."""

    def __init__(self, model: Any, part: str | None = None) -> None:
        inner = model.base_model
        blocks = inner.h if hasattr(inner, "h") else inner.layers
        self.model = model
        self.modules = [block if part is None else getattr(block, part) for block in blocks]

    @torch.inference_mode()
    def logits(self, ids: list[int], hook: Any = None, layer: int = 0) -> torch.Tensor:
        handle = None if hook is None else self.modules[layer].register_forward_hook(hook)
        found = self.model(torch.tensor([ids]), use_cache=False).logits[0]
        if handle is not None:
            handle.remove()
        return found

    def state(self, ids: list[int], layer: int, token: int) -> torch.Tensor:
        kept = []

        def keep(module: Any, given: Any, output: Any) -> None:
            kept.append((output[0] if isinstance(output, tuple) else output)[0, token].clone())

        self.logits(ids, keep, layer)
        return kept[0]

    def patched(self, ids: list[int], layer: int, token: int, state: torch.Tensor) -> torch.Tensor:
        def put(module: Any, given: Any, output: Any) -> Any:
            hidden = (output[0] if isinstance(output, tuple) else output).clone()
            hidden[0, token] = state
            return (hidden, *output[1:]) if isinstance(output, tuple) else hidden

        return self.logits(ids, put, layer)


def samples_of(answers: Answers) -> dict[str, SimpleNamespace]:
    """Of every id the whole text, the text before the exact answer, and its tokens."""
    found = {}
    for i, name in enumerate(answers.id):
        ids, (first, last) = [*answers.prompt_ids[i], *answers.completion_ids[i]], answers.exact_answer_tokens[i]
        found[name] = SimpleNamespace(
            ids=ids, before=ids[:first], exact=ids[first : last + 1], right=answers.correct[i]
        )
    return found


def log_probability(logits: torch.Tensor, tokens: list[int]) -> float:
    """Of the tokens of which all but the last end the text."""
    log = logits[-len(tokens) :].double().log_softmax(-1)
    return sum(float(log[k, token]) for k, token in enumerate(tokens))


def loop(plain: Plain, asked: Asked, found: xr.Dataset, own: Any = None) -> tuple[np.ndarray, np.ndarray]:
    """Outcome of every run as it is, and of every cell with the donor's state; `own`: (logits) → number, and ids."""
    samples, index = samples_of(asked.answers), asked.cap.index.tolist()
    at = {name: i for i, name in enumerate(asked.answers.id)}
    base = np.full(found.sizes["sample"], np.nan)
    out = np.full((found.sizes["sample"], found.sizes["layer"], found.sizes["token"]), np.nan)
    for run, (donor, recipient) in enumerate(zip(found["sample"].values, found["recipient"].values, strict=True)):
        it, other = samples[recipient], samples[donor]
        right, wrong = (it, other) if it.right else (other, it)

        def outcome(passed: Any, it=it, right=right, wrong=wrong) -> float:
            if own is not None:
                return float(own[0](passed([*it.ids, *own[1]])[-1:]))
            texts = [[*it.before, *one.exact[:-1]] for one in (right, wrong)]
            values = [log_probability(passed(t), one.exact) for t, one in zip(texts, (right, wrong), strict=True)]
            return values[0] - values[1]

        base[run] = outcome(plain.logits)
        for k, layer in enumerate(found["layer"].values.tolist()):
            for r, role in enumerate(found["token"].values.tolist()):
                place = ROLES.index(role)
                token = index[at[recipient]][place]
                if own is None and token >= len(it.before):
                    continue
                state = plain.state(other.ids, layer, index[at[donor]][place])
                out[run, k, r] = outcome(lambda ids, a=(layer, token, state): plain.patched(ids, *a))
    return base, out
