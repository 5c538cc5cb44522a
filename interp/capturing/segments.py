"""Which tokens of a batch run together: a prefix all samples share, then their own prompts, then what is measured.

Every metric needs the pattern's rows from a sample's earliest role on. The tokens before it only fill a key-value
cache: the prefix common to all samples once per run, a prompt that several samples of a batch share once per batch,
a long prompt piece by piece, so that the square of its attention pattern never exists.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch

from interp.capturing.positions import Positions
from interp.models.batches import common_prefix, plan_batches
from interp.support.fingerprint import json_hash

MIN_PREFIX = 16
"""Tokens saved per sample below which one pass is cheaper than two."""
LONG_PROMPT = 256
"""From this many tokens on a prompt runs by itself, although nobody shares it: its pattern would cost its square."""


@dataclass(frozen=True)
class Segments:
    """The tokens of a batch after the shared prefix: own prompts (each distinct one once), then suffixes."""

    own: list[list[int]]
    """Distinct prompts; one empty list where the batch runs in one pass."""
    own_of: list[int]
    """For each sample its entry of `own`."""
    suffixes: list[list[int]]
    starts: list[int]
    """For each sample the index of its suffix's first token."""


@dataclass(frozen=True)
class CapturePlan:
    """Order, batches and segments of a capture: a function of the token ids, the roles and the settings alone."""

    prompt_ids: Sequence[Sequence[int]]
    completion_ids: Sequence[Sequence[int]]
    """Both as the answers hold them, not copied: a batch joins those of its own samples when it runs."""
    earliest: list[int]
    """First token whose row of the pattern is needed."""
    batches: list[list[int]]
    """Sample indices."""
    prefix: list[int]
    """Tokens common to all samples, before every role; they run once."""
    gaps: bool
    """Whether the model allows padding between segments; if not, a batch is cut at one column, padded at its start."""
    cut: bool = True
    """Whether samples may be cut at all: a recurrent layer's cache cannot go on from one."""

    @classmethod
    def of(
        cls,
        prompt_ids: Sequence[Sequence[int]],
        completion_ids: Sequence[Sequence[int]],
        positions: Positions,
        usable: Sequence[int],
        *,
        batch_tokens: int,
        gaps: bool,
        cut: bool = True,
    ) -> "CapturePlan":
        """Plan the `usable` samples; one prompt's samples stand together."""
        first = torch.where(positions.valid, positions.begin, positions.n[:, None]).amin(1)
        earliest = torch.minimum(first, positions.n_prompt - 1).clamp_min(0).tolist()

        def prompts() -> Iterator[tuple[int, ...]]:
            return (tuple(prompt_ids[i][: earliest[i]]) for i in usable)

        lengths = [len(prompt_ids[i]) + len(completion_ids[i]) for i in usable]
        order = plan_batches(lengths, batch_tokens, together=prompts())
        prefix = common_prefix(prompts()) if gaps and cut and len(usable) > 1 else []
        return cls(
            prompt_ids,
            completion_ids,
            earliest,
            [[usable[i] for i in batch] for batch in order],
            prefix if len(prefix) >= MIN_PREFIX else [],
            gaps,
            cut,
        )

    @cached_property
    def sha256(self) -> str:
        """Hash of the composition: another one changes the last bits of the activations."""
        return json_hash([self.batches, len(self.prefix), [self.earliest[i] for b in self.batches for i in b]])

    @property
    def settings(self) -> dict[str, object]:
        """What a run writes down about it."""
        if not self.cut:
            how = "whole samples"
            return {"common_prefix": 0, "segments": how, "batches_sha256": self.sha256}
        how = "prefix, own prompts, suffixes" if self.gaps else "own prompts and suffixes of equal length, no prefix"
        return {"common_prefix": len(self.prefix), "segments": how, "batches_sha256": self.sha256}

    def ids(self, sample: int) -> list[int]:
        """`prompt_ids + completion_ids` of a sample."""
        return [*self.prompt_ids[sample], *self.completion_ids[sample]]

    def measured(self, samples: Sequence[int]) -> int:
        """Rows of the pattern, counted from the end, that hold every role of these samples."""
        return max(len(self.prompt_ids[i]) + len(self.completion_ids[i]) - self.earliest[i] for i in samples)

    def segments(self, samples: Sequence[int]) -> Segments:
        """Cut these samples into own prompts and suffixes, where that pays."""
        skip = len(self.prefix)
        ids, width = [self.ids(i) for i in samples], self.measured(samples)
        starts = [self.earliest[i] if self.gaps else max(0, len(s) - width) for i, s in zip(samples, ids, strict=True)]
        own = Counter(tuple(sample[skip:start]) for sample, start in zip(ids, starts, strict=True))
        saved = sum(len(prompt) * (times - 1) for prompt, times in own.items())
        if not self.cut or (saved < MIN_PREFIX * len(samples) and max(map(len, own)) < LONG_PROMPT):
            own, starts = Counter({(): len(samples)}), [skip] * len(samples)
        row = {prompt: at for at, prompt in enumerate(own)}
        return Segments(
            [list(prompt) for prompt in own],
            [row[tuple(sample[skip:start])] for sample, start in zip(ids, starts, strict=True)],
            [sample[start:] for sample, start in zip(ids, starts, strict=True)],
            starts,
        )
