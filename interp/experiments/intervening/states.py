"""The states of the samples of all pairs, captured once, and how they are put into the runs."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from interp.capturing.forward_pass import capture
from interp.capturing.positions import Positions
from interp.experiments.detecting.given import Given
from interp.experiments.intervening.pairs import Pairs
from interp.experiments.intervening.patched import Put
from interp.experiments.intervening.read import Cells, tokens_of


@dataclass(frozen=True)
class States:
    """What stands at a site in every cell of every sample that takes part."""

    values: Float[Tensor, "taken layer role width"]
    row: Int[np.ndarray, " sample"]
    """Where a sample's values stand; -1: it takes no part."""
    layer: dict[int, int]
    head: int | None
    """Of `z`, the one head that is put in; None: all."""

    @classmethod
    def of(cls, given: Given, pairs: Pairs, site: str, cells: Cells, head: int | None) -> "States":
        """Captured anew in the model's own precision: a run's are perhaps of another one, or of one site only."""
        taken = np.unique([pairs.right, pairs.wrong])
        answers, cap = given.answers[taken.tolist()], given.capture[taken.tolist()]
        token, there = tokens_of(cap, cells)
        positions = Positions.at(
            np.where(there, token, 0),
            [len(prompt) + len(own) for prompt, own in zip(answers.prompt_ids, answers.completion_ids, strict=True)],
            roles=cells.role,
            valid=there,
            n_prompt=[len(prompt) for prompt in answers.prompt_ids],
        )
        found = capture(given.model, answers, positions, sites=(site,))
        row = np.full(len(given), -1)
        row[taken] = np.arange(len(taken))
        values = torch.as_tensor(found.sites[site])
        return cls(values, row, {layer: at for at, layer in enumerate(found.layers)}, head)

    def put(self, donor: Int[np.ndarray, " run"]) -> Put:
        """The donor's state; a run whose donor is -1 keeps its own."""

        def put(run: Int[np.ndarray, " edit"], role: Int[np.ndarray, " edit"], layer: int, own: Tensor) -> Tensor:
            return self._into(own, torch.where(self._has(donor[run], own), self._of(donor[run], role, layer, own), own))

        return put

    def noise(self, donor: Int[np.ndarray, " run"], seed: int) -> Put:
        """The recipient's own state and a step in a random direction, as long as the donor's is far."""

        def put(run: Int[np.ndarray, " edit"], role: Int[np.ndarray, " edit"], layer: int, own: Tensor) -> Tensor:
            away = self._into(own, self._of(donor[run], role, layer, own)) - own
            # Of a whole layer, and then those that are asked for: they do not depend on what runs together.
            generator = torch.Generator().manual_seed(seed * 100_003 + layer)
            drawn = torch.randn(len(donor), self.values.shape[2], *own.shape[1:], generator=generator)
            step = drawn[torch.from_numpy(run), torch.from_numpy(role)].to(own)
            step = self._into(torch.zeros_like(own), step)
            sizes = [one.flatten(1).float().norm(dim=1) for one in (away, step)]
            return own + step * (sizes[0] / sizes[1]).reshape(-1, *[1] * (own.ndim - 1)).to(own)

        return put

    def _of(self, sample: np.ndarray, role: np.ndarray, layer: int, like: Tensor) -> Tensor:
        places = (torch.from_numpy(self.row[sample].clip(0)), self.layer[layer], torch.from_numpy(role))
        return self.values[places].reshape(like.shape).to(like)

    def _has(self, sample: np.ndarray, like: Tensor) -> Tensor:
        return torch.from_numpy(sample >= 0).to(like.device).reshape(-1, *[1] * (like.ndim - 1))

    def _into(self, own: Tensor, new: Tensor) -> Tensor:
        """All of the state, or one head of it."""
        if self.head is None:
            return new
        changed = own.clone()
        changed[:, self.head] = new[:, self.head]
        return changed
