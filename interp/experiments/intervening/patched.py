"""Outcomes of samples with a state of another sample, or noise, in the place of their own: every layer and role."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from interp.experiments.intervening.edited_pass import CleanTexts, Edits
from interp.experiments.intervening.outcome import Asked, Readings
from interp.models.loading import HookedModel, model_info

MEMORY = 1 << 28
"""Bytes of streams, keys and values that are kept of unchanged passes, and again of one edited pass."""
Put = Callable[[Int[np.ndarray, " edit"], Int[np.ndarray, " edit"], int, Tensor], Tensor]
"""(run, role, layer, the states there) → the states that take their place."""


@dataclass(frozen=True)
class Runs:
    """Samples that are run, with what is asked of each, and where their roles stand."""

    asked: Sequence[Sequence[Asked]]
    token: Int[np.ndarray, "run role"]
    reached: Bool[np.ndarray, "run role"]
    """Whether the sample has the role, and its token stands where it can change the outcome."""
    reason: Sequence[str]
    """For every role why no run reaches it; "" where some do."""

    def __len__(self) -> int:
        return len(self.asked)


def outcomes(
    model: HookedModel,
    runs: Runs,
    site: str,
    layers: Sequence[int],
    puts: Sequence[Put],
    *,
    progress: Callable[[int], None] | None = None,
) -> tuple[Float[np.ndarray, " run"], Float[np.ndarray, "put run layer role"]]:
    """The outcome of every run as it is, and with each of `puts` at every layer and role; NaN where not reached.

    Runs are taken together as memory allows; `progress` is called with 1 for every run that is done.
    """
    base = np.full(len(runs), np.nan)
    changed = np.full((len(puts), len(runs), len(layers), runs.token.shape[1]), np.nan)
    for some in _chunks(model, runs):
        chunk = _Chunk(model, runs, some)
        base[some] = chunk.base()
        for at, layer in enumerate(layers):
            for k, put in enumerate(puts):
                changed[k, some, at] = chunk.changed(site, layer, put)
        if progress is not None:
            for _ in some:
                progress(1)
    return base, changed


class _Chunk:
    """Some runs whose unchanged passes are kept at once."""

    def __init__(self, model: HookedModel, runs: Runs, some: list[int]) -> None:
        self.runs, self.some = runs, some
        self.readings = Readings(model, [runs.asked[i] for i in some])
        texts = self.readings.texts
        self.clean = CleanTexts(model, texts)
        # One row for every text of a run and every role it reaches.
        text, role = np.nonzero(runs.reached[some][self.readings.sample])
        token = runs.token[some][self.readings.sample[text], role]
        length = np.array([len(one.ids) for one in texts])[text] - token
        order = np.argsort(length, kind="stable")
        self.text, self.role, self.token = text[order], role[order], token[order]
        self.batches = list(_batches(length[order], max(1, MEMORY // max(1, self.clean.bytes_per_row))))

    def base(self) -> Float[np.ndarray, " run"]:
        """As it is."""
        text = np.arange(len(self.readings.texts))
        return self._summed(text, self.readings.sample, self.clean.final, len(self.some))

    def changed(self, site: str, layer: int, put: Put) -> Float[np.ndarray, "run role"]:
        """With other states at one layer."""
        n_roles = self.runs.token.shape[1]
        out = np.where(self.runs.reached[self.some], 0.0, np.nan).ravel()
        for batch in self.batches:
            text, role, token = self.text[batch], self.role[batch], self.token[batch]
            run = self.readings.sample[text]
            change = partial(put, np.array(self.some)[run], role, layer)
            edits = Edits(site, layer, torch.from_numpy(text), torch.from_numpy(token))
            out += self._summed(text, run * n_roles + role, self.clean.edited(edits, change), len(out))
        return out.reshape(len(self.some), n_roles)

    def _summed(
        self, text: Int[np.ndarray, " row"], into: Int[np.ndarray, " row"], final: Tensor, size: int
    ) -> Float[np.ndarray, " sum"]:
        """The values of rows, added up where they are of one run and role."""
        out = np.zeros(size)
        with torch.inference_mode():
            np.add.at(out, into, self.readings.values(text, final).cpu().numpy())
        return out


def _batches(length: Int[np.ndarray, " row"], most: int) -> Iterator[slice]:
    """Rows of increasing length, at most so many, cut where more than a quarter of a batch would be padding."""
    begin = 0
    for end in range(1, len(length) + 1):
        last = end == len(length)
        if last or end - begin == most or length[end] * (end + 1 - begin) > 4 / 3 * length[begin : end + 1].sum():
            yield slice(begin, end)
            begin = end


def _chunks(model: HookedModel, runs: Runs) -> Iterator[list[int]]:
    """Runs of similar length, whose unchanged passes fit into memory together."""
    info = model_info(model)
    kept = 4 * ((info.n_layers + 1) * info.d_model + 2 * info.n_layers * info.n_heads * info.d_head)
    size = [sum(len(one.text.ids) for one in asked) for asked in runs.asked]
    chunk: list[int] = []
    for i in np.argsort(size, kind="stable").tolist():
        if chunk and kept * (sum(size[j] for j in chunk) + size[i]) > MEMORY:
            yield chunk
            chunk = []
        chunk.append(i)
    if chunk:
        yield chunk
