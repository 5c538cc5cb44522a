"""Consecutive batches of a capture as a unit of work: their samples only, cut out of answers, positions and plan."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch

from interp.capturing.activations import Capture
from interp.capturing.one_pass import OnePass
from interp.capturing.positions import Positions
from interp.capturing.question_embedding import question_embeddings
from interp.capturing.segments import CapturePlan
from interp.engines.units import Worker
from interp.labelling.answers import Answers
from interp.models.loading import model_info


@dataclass(frozen=True)
class CaptureUnit:
    """Batches `first`, `first + 1` … of a plan, with what they need of the run and nothing else."""

    answers: Answers
    positions: Positions
    plan: CapturePlan
    """Its batches count in `answers` and `positions`; prefix and cuts are the whole plan's."""
    sites: tuple[str, ...]
    first: int

    @classmethod
    def of(
        cls, answers: Answers, positions: Positions, plan: CapturePlan, sites: Sequence[str], first: int, stop: int
    ) -> "CaptureUnit":
        """Batches `first` to `stop`, which is left out, of the whole `plan`."""
        samples = [i for batch in plan.batches[first:stop] for i in batch]
        place = {sample: i for i, sample in enumerate(samples)}
        own = replace(answers[samples], decode=None, settings={})
        cut = replace(
            plan,
            prompt_ids=own.prompt_ids,
            completion_ids=own.completion_ids,
            earliest=[plan.earliest[i] for i in samples],
            batches=[[place[i] for i in batch] for batch in plan.batches[first:stop]],
        )
        return cls(own, positions[samples], cut, tuple(sites), first)

    @property
    def batches(self) -> tuple[str, ...]:
        """As `Splits` knows them: by their number in the whole plan."""
        return tuple(str(self.first + i) for i in range(len(self.plan.batches)))

    @property
    def samples(self) -> int:
        """How many it holds."""
        return len(self.answers)

    def __call__(self, worker: Worker) -> Iterator[Capture]:
        """Batch by batch. Raises ModelError for a sample that does not fit into memory alone."""
        model = worker.model
        key = ("capture", tuple(self.plan.prefix), self.sites)
        begun = worker.once(key, lambda: OnePass(model, self.plan, self.positions, self.sites))
        one_pass = begun.of(self.plan, self.positions)
        too_large, layers = partial(_too_large, self.answers), tuple(range(model_info(model).n_layers))
        for name, samples in zip(self.batches, self.plan.batches, strict=True):
            parts = worker.splits.run(name, samples, one_pass, too_large=too_large)
            yield Capture(
                **_joined(parts),
                index=self.positions.index[samples],
                layers=layers,
                roles=self.positions.roles,
                id=tuple(self.answers.id[i] for i in samples),
                question_embed=question_embeddings(model, self.answers, samples),
            )
            worker.advance(len(samples))


def _too_large(answers: Answers, sample: int) -> str:
    prompt, completion = len(answers.prompt_ids[sample]), len(answers.completion_ids[sample])
    return (
        f"out of memory on sample {answers.id[sample]!r} alone ({prompt} prompt and {completion} completion tokens): "
        "use a smaller dtype, a larger device, or leave it out"
    )


def _joined(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """The parts of a batch one after the other."""
    if len(parts) == 1:
        return parts[0]
    return {
        key: {name: torch.cat([part[key][name] for part in parts]) for name in value}
        if isinstance(value, dict)
        else torch.cat([part[key] for part in parts])
        for key, value in parts[0].items()
    }
