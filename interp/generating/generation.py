"""Generation in left-padded batches; the prefix that all prompts share, and a prompt that comes again, run once."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from interp.engines.units import Engine, Local, Worker
from interp.generating.answer_log import AnswerLog, Generated
from interp.generating.prompts import decoder
from interp.generating.sampling import NextToken, Sampling, next_tokens
from interp.models.backends.kinds import backend_of
from interp.models.batches import common_prefix, left_pad, plan_batches
from interp.models.loading import (
    HookedModel,
    KeyValueCache,
    eos_token_ids,
    fill_cache,
    forward,
    model_info,
    model_tokenizer,
    new_cache,
    pads_between,
)
from interp.models.memory import Splits
from interp.support.progress import made_elsewhere
from interp.text.stopping import StopText

MAX_SAMPLES = 128
"""Of a batch: a step costs much the same for one sample as for many, until the products fill the machine."""

Progress = Callable[[int], None]
"""Called with the number of samples just finished."""


def generate(
    model: HookedModel,
    prompts: Sequence[Sequence[int]],
    *,
    max_new_tokens: int,
    stop: Sequence[str] = (),
    temperature: float = 0.0,
    top_p: float = 1.0,
    seed: int = 0,
    names: Sequence[str] | None = None,
    greedy: Collection[str] = (),
    batch_tokens: int = 8192,
    log: AnswerLog | None = None,
    splits: Splits | None = None,
    label: str = "",
    engine: Engine | None = None,
    progress: Progress | None = None,
) -> list[Generated]:
    """The continuation of every prompt, in the order given: greedy, or drawn if `temperature` is above 0.

    Draws are from the smallest set of tokens with mass `top_p`; a sequence's random numbers depend on `seed` and its
    name (by default its place), so its batch and the order of the prompts change nothing but near ties. Sequences named
    in `greedy` are greedy whatever the temperature. A prompt that stands several times in a batch runs once.
    `batch_tokens` bounds the padded tokens of a batch (prompts and new tokens). Batches that `log` holds are taken from
    it, the others added; `engine` decides who makes them (default: this process, with `model`). One that does not fit
    into memory runs in halves, and `splits` says so of the batch `label` and its number.

    Raises ModelError for a prompt that does not fit alone.
    """
    sampling = Sampling(temperature, top_p, seed)
    names = [str(i) for i in range(len(prompts))] if names is None else list(names)
    results: dict[int, Generated] = {}
    # At least one token of each prompt stays outside the prefix: its output predicts the first new token.
    may_share = len(prompts) > 1 and pads_between(model)
    prefix = common_prefix(prompt[:-1] for prompt in prompts) if may_share else []
    lengths = [len(prompt) + max_new_tokens for prompt in prompts]
    batches = plan_batches(lengths, batch_tokens, max_samples=MAX_SAMPLES, together=map(tuple, prompts))
    if log is not None:
        log.begin(dict(zip(names, prompts, strict=True)))

    def kept(batch: Sequence[int]) -> list[Generated] | None:
        """Whole batches only: in another batch the last bits of a sequence change."""
        if log is None or not all(names[i] in log.finished for i in batch):
            return None
        return [log.finished[names[i]] for i in batch]

    def waiting() -> Iterator[PromptBatch]:
        for number, batch in enumerate(batches):
            if kept(batch) is None:
                suffixes = [list(prompts[i])[len(prefix) :] for i in batch]
                drawn = [None if names[i] in greedy else names[i] for i in batch]
                own = ([names[i] for i in batch], drawn, suffixes, prefix)
                yield PromptBatch(number, f"{label} {number}".strip(), *own, max_new_tokens, tuple(stop), sampling)

    engine, splits = engine or Local(model), Splits() if splits is None else splits
    made_elsewhere(progress, sum(len(batch) for i, batch in enumerate(batches) if not engine.makes(i)))
    for batch in batches:
        if (finished := kept(batch)) is not None:
            results |= zip(batch, finished, strict=True)
            if progress is not None:
                progress(len(batch))
    for unit, finished in engine.make(waiting(), splits, progress):
        batch = batches[unit.number]
        if log is not None:
            log.add({names[i]: one for i, one in zip(batch, finished, strict=True)})
        results |= zip(batch, finished, strict=True)
    return [results[i] for i in range(len(prompts))]


@dataclass(frozen=True)
class PromptBatch:
    """The prompts of one batch, and how they are continued: a unit of work (`interp.engines.units.Unit`)."""

    number: int
    name: str
    """What `Splits` calls it, too."""
    names: list[str]
    drawn: list[str | None]
    """The names under which random numbers are drawn; None: greedy."""
    suffixes: list[list[int]]
    """The prompts after the prefix that all batches share."""
    prefix: list[int]
    max_new_tokens: int
    stop: tuple[str, ...]
    sampling: Sampling

    @property
    def batches(self) -> tuple[str, ...]:
        """Itself."""
        return (self.name,)

    @property
    def samples(self) -> int:
        """Sequences."""
        return len(self.names)

    def __call__(self, worker: Worker) -> list[Generated]:
        """The continuations, in the order of the prompts. Raises ModelError for a prompt that does not fit alone."""

        def filled() -> KeyValueCache:
            cache = new_cache(worker.model, 1)
            tokens = torch.tensor([self.prefix], device=model_info(worker.model).device)
            fill_cache(worker.model, tokens, torch.ones_like(tokens), cache)
            return cache

        def one_pass(some: Sequence[int]) -> list[Generated]:
            shared = worker.once(("generate", tuple(self.prefix)), filled) if self.prefix else None
            streams = [None if (name := self.drawn[i]) is None else self.sampling.stream(name) for i in some]
            suffixes, n_prefix = [self.suffixes[i] for i in some], len(self.prefix)
            options = (self.max_new_tokens, self.stop, self.sampling, streams)
            return _generate_batch(worker.model, suffixes, shared, n_prefix, *options)

        def too_large(i: int) -> str:
            return (
                f"out of memory on the prompt of {self.names[i]!r} alone ({len(self.prefix) + len(self.suffixes[i])} "
                f"tokens and {self.max_new_tokens} new ones): use a smaller dtype, a larger device, or leave it out"
            )

        parts = worker.splits.run(self.name, range(self.samples), one_pass, too_large=too_large)
        worker.advance(self.samples)
        return [one for part in parts for one in part]


@dataclass
class _Sequence:
    """One continuation as it grows."""

    stop: StopText
    stream: np.random.Generator | None
    """None: greedy."""
    ids: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    entropies: list[float] = field(default_factory=list)
    near_ties: int = 0
    finish: str = "length"

    def add(self, token: NextToken, ends: frozenset[int]) -> None:
        self.ids.append(token.token)
        self.logprobs.append(token.logprob)
        self.entropies.append(token.entropy)
        self.near_ties += token.near_tie
        if token.token in ends or self.stop.completed(self.ids):
            self.finish = "stop"


def _generate_batch(
    model: HookedModel,
    suffixes: list[list[int]],
    shared: KeyValueCache | None,
    n_prefix: int,
    max_new_tokens: int,
    stop: Sequence[str],
    sampling: Sampling,
    streams: Sequence[np.random.Generator | None],
) -> list[Generated]:
    device, ends, decode = model_info(model).device, eos_token_ids(model), decoder(model_tokenizer(model))
    sequences = [_Sequence(StopText(decode, stop), stream) for stream in streams]
    # A prompt that stands several times in the batch runs once.
    place = {prompt: row for row, prompt in enumerate(dict.fromkeys(map(tuple, suffixes)))}
    rows = [place[tuple(suffix)] for suffix in suffixes]
    tokens, mask = left_pad([list(prompt) for prompt in place], device)
    mask = torch.cat([mask.new_ones(len(mask), n_prefix), mask], dim=1)
    cache = new_cache(model, len(place)) if shared is None else shared.repeat(len(place))
    going = sequences
    with backend_of(model).unobserved():
        for step in range(max_new_tokens):
            logits = forward(model, tokens, mask, cache=cache, logits=True)
            assert logits is not None
            if step == 0 and len(place) < len(rows):
                index = torch.tensor(rows, device=device)
                logits, mask = logits[index.to(logits.device)], mask[index]
                cache.select(index)
            drawn = next_tokens(logits, sampling, [sequence.stream for sequence in going])
            for sequence, token in zip(going, drawn, strict=True):
                sequence.add(token, ends)
            kept = [row for row, sequence in enumerate(going) if sequence.finish != "stop"]
            if not kept or step + 1 == max_new_tokens:
                break
            tokens = torch.tensor([[drawn[row].token] for row in kept], device=device)
            mask = torch.cat([mask, mask.new_ones(len(mask), 1)], dim=1)
            if len(kept) < len(going):  # finished sequences cost nothing more
                mask = mask[kept]
                cache.select(torch.tensor(kept, device=device))
                going = [going[row] for row in kept]
    return [Generated(s.ids, s.finish, s.logprobs, s.near_ties, s.entropies) for s in sequences]
