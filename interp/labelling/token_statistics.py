"""Log-probabilities and entropies of answers that have none: brought by rows, or generated before they were kept."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from interp.generating.distribution import Distribution, rows_together
from interp.labelling.answers import Answers
from interp.models.backends.kinds import backend_of
from interp.models.batches import left_pad, plan_batches
from interp.models.loading import HookedModel, fill_cache, forward, hook_name, model_info, pads_between
from interp.models.memory import Splits
from interp.models.shared_prefix import SharedPrefix

MAX_SAMPLES = 64
"""Of a batch."""

VECTORS = 64
"""States whose logits are in memory at once."""


@dataclass(frozen=True)
class TokenStatistics:
    """Of one completion, token by token, in nats."""

    logprobs: list[float]
    entropies: list[float]


def token_statistics(
    model: HookedModel,
    prompts: Sequence[Sequence[int]],
    completions: Sequence[Sequence[int]],
    *,
    batch_tokens: int = 8192,
    splits: Splits | None = None,
) -> list[TokenStatistics]:
    """Log-probability of each completion token, and entropy of the distribution of which it comes, teacher-forced.

    What `generate` keeps, from one pass over the tokens instead of one a token. The prefix that all prompts share and a
    prompt that stands several times in a batch run once. Logits are computed at the completion's positions only, few at
    a time. `batch_tokens` bounds the padded tokens of a batch. Every prompt has a token at least.

    Raises ModelError for a sample that does not fit into memory alone.
    """
    asked = [i for i, completion in enumerate(completions) if completion]
    found = {i: TokenStatistics([], []) for i in range(len(completions))}
    prefix = SharedPrefix.of(model, [prompts[i] for i in asked])

    def one_pass(some: Sequence[int]) -> list[TokenStatistics]:
        return _of_batch(model, [(list(prompts[i])[len(prefix) :], list(completions[i])) for i in some], prefix)

    def too_large(i: int) -> str:
        return (
            f"out of memory on sample {i} alone ({len(prompts[i]) + len(completions[i])} tokens): use a larger device"
        )

    lengths = [len(prompts[i]) + len(completions[i]) for i in asked]
    together = (tuple(prompts[i]) for i in asked)
    for batch in plan_batches(lengths, batch_tokens, max_samples=MAX_SAMPLES, together=together):
        some = [asked[j] for j in batch]
        parts = (Splits() if splits is None else splits).run("statistics", some, one_pass, too_large=too_large)
        found |= zip(some, (one for part in parts for one in part), strict=True)
    return [found[i] for i in range(len(completions))]


def with_token_statistics(model: HookedModel, answers: Answers, *, batch_tokens: int = 8192) -> Answers:
    """The answers with `logprobs` and `entropies` where the model can give them and they are not there yet.

    What was kept stays as it is. A sample without a prompt, or past the model's context, has none.
    """
    n_ctx = model_info(model).n_ctx
    nothing: list[list[float] | None] = [None] * len(answers)
    entropies = nothing if answers.entropies is None else list(answers.entropies)
    logprobs = list(answers.logprobs)
    lengths = [len(p) + len(c) for p, c in zip(answers.prompt_ids, answers.completion_ids, strict=True)]
    asked = [
        i
        for i, prompt in enumerate(answers.prompt_ids)
        if (logprobs[i] is None or entropies[i] is None) and prompt and lengths[i] <= n_ctx
    ]
    prompts, completions = ([ids[i] for i in asked] for ids in (answers.prompt_ids, answers.completion_ids))
    for i, one in zip(asked, token_statistics(model, prompts, completions, batch_tokens=batch_tokens), strict=True):
        logprobs[i] = one.logprobs if logprobs[i] is None else logprobs[i]
        entropies[i] = one.entropies if entropies[i] is None else entropies[i]
    return replace(answers, logprobs=logprobs, entropies=entropies)


def _of_batch(
    model: HookedModel, pairs: Sequence[tuple[list[int], list[int]]], prefix: SharedPrefix
) -> list[TokenStatistics]:
    """`pairs`: prompt without the prefix, and completion."""
    device, cache = model_info(model).device, None
    if pads_between(model):
        # Each prompt but its last token once; the completions behind it, padded in between.
        place = {prompt: row for row, prompt in enumerate(dict.fromkeys(tuple(p[:-1]) for p, _ in pairs))}
        rows = torch.tensor([place[tuple(prompt[:-1])] for prompt, _ in pairs])
        before, mask = left_pad([list(prompt) for prompt in place], device)
        mask = torch.cat([mask.new_ones(len(mask), len(prefix)), mask], dim=1)
        if mask.shape[1]:
            cache = prefix.cache(len(place))
            if before.shape[1]:
                fill_cache(model, before, mask, cache)
            cache.select(rows)
        tokens, new = left_pad([prompt[-1:] + completion[:-1] for prompt, completion in pairs], device)
        mask = torch.cat([mask[rows.to(mask.device)], new], dim=1)
    else:
        tokens, mask = left_pad([prompt + completion[:-1] for prompt, completion in pairs], device)
    states: list[Float[Tensor, "token d_model"]] = []

    def keep(hidden: Float[Tensor, "sample token d_model"]) -> None:
        states.extend(row[-len(completion) :].clone() for row, (_, completion) in zip(hidden, pairs, strict=True))

    forward(model, tokens, mask, hooks={hook_name("resid_post", model_info(model).n_layers - 1): keep}, cache=cache)
    return _read(model, torch.cat(states), [completion for _, completion in pairs])


def _read(
    model: HookedModel, states: Float[Tensor, "token d_model"], completions: Sequence[list[int]]
) -> list[TokenStatistics]:
    targets = torch.tensor([token for completion in completions for token in completion])
    logprobs: list[float] = []
    entropies: list[float] = []
    for some, wanted in zip(states.split(VECTORS), targets.split(VECTORS), strict=True):
        logits = backend_of(model).unembed(some)
        step = rows_together(logits.shape[-1])
        for rows, tokens in zip(logits.split(step), wanted.split(step), strict=True):
            own = Distribution.of(rows.float())
            chosen = own.below.gather(-1, tokens[:, None].to(rows.device))[:, 0] - own.log_mass
            logprobs += chosen.tolist()
            entropies += own.entropy.tolist()
    ends = torch.tensor([len(completion) for completion in completions]).cumsum(0).tolist()
    return [
        TokenStatistics(logprobs[end - len(c) : end], entropies[end - len(c) : end])
        for end, c in zip(ends, completions, strict=True)
    ]
