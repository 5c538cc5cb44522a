"""How the next token is chosen: the most likely one, or one drawn with temperature and top-p."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from interp.data.rows import QARow
from interp.errors import DataError
from interp.generating.distribution import Distribution, rows_together
from interp.support.arguments import flag, number, seed_number, whole_number

NEAR_TIE = 1e-4
"""Two best logits closer than this may change places when a sample stands in another batch."""


@dataclass(frozen=True)
class Sampling:
    """How tokens are drawn. Raises DataError for numbers that are none of these."""

    temperature: float = 0.0
    """Logits are divided by it; 0: the most likely token is taken (greedy)."""
    top_p: float = 1.0
    """Drawn from the smallest set of most likely tokens whose mass is at least this (Holtzman et al. 2020, nucleus
    sampling), at the given temperature."""
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "temperature", number("temperature", self.temperature, low=0))
        object.__setattr__(self, "top_p", number("top_p", self.top_p, above=0, high=1))
        object.__setattr__(self, "seed", seed_number(self.seed))
        if self.top_p < 1 and not self.temperature:
            raise DataError("top_p cuts what is drawn from, and nothing is drawn at temperature 0: give a temperature")

    def stream(self, name: str) -> np.random.Generator | None:
        """The random numbers of one sequence, one a step: they depend on the seed and its name, on nothing else.

        None at temperature 0.
        """
        return np.random.default_rng([self.seed, *name.encode()]) if self.temperature else None


@dataclass(frozen=True)
class NextToken:
    """The token chosen for one sequence."""

    token: int
    logprob: float
    """Under the model's own distribution, whatever the temperature and top-p."""
    entropy: float
    """Of that distribution, in nats."""
    near_tie: bool
    """Whether another token's logit is within `NEAR_TIE` of the best (greedy)."""


@torch.inference_mode()
def next_tokens(
    logits: Float[Tensor, "sample d_vocab"], sampling: Sampling, streams: Sequence[np.random.Generator | None]
) -> list[NextToken]:
    """The next token of every sequence; each draw takes one number of its stream. `logits` are not changed.

    A sequence without a stream is greedy.
    """
    drawn: list[NextToken] = []
    for rows in logits.split(rows_together(logits.shape[-1])):
        rows = rows.float()
        own = Distribution.of(rows)
        below, tokens = own.below, own.likeliest[:, None]
        here = [*streams[len(drawn) : len(drawn) + len(rows)]] or [None] * len(rows)
        drawing = {i: stream for i, stream in enumerate(here) if stream is not None}
        chance = dict(zip(drawing, _draw(below[[*drawing]], sampling, [*drawing.values()]), strict=True))
        near = torch.zeros(len(rows), dtype=torch.bool)
        if len(chance) < len(rows):
            near = below.scatter(-1, tokens, -math.inf).amax(-1).cpu() > -NEAR_TIE
        if chance:
            greedy = torch.tensor([i not in chance for i in range(len(rows))])
            instead = torch.tensor([[chance.get(i, 0)] for i in range(len(rows))], device=rows.device)
            tokens, near = torch.where(greedy[:, None].to(rows.device), tokens, instead), near & greedy
        logprobs = below.gather(-1, tokens)[:, 0] - own.log_mass
        drawn += map(NextToken, tokens[:, 0].tolist(), logprobs.tolist(), own.entropy.tolist(), near.tolist())
    return drawn


def _draw(
    below: Float[Tensor, "sample d_vocab"], sampling: Sampling, streams: Sequence[np.random.Generator]
) -> list[int]:
    """One token for each by inversion of its cumulative distribution, in float64."""
    mass = (below.double() / sampling.temperature).exp().cpu().numpy()
    drawn = []
    for own, stream in zip(mass, streams, strict=True):
        kept = nucleus(own / own.sum(), sampling.top_p)
        cumulative = np.cumsum(own[kept])
        drawn.append(int(kept[np.searchsorted(cumulative, stream.random() * cumulative[-1], side="right")]))
    return drawn


def nucleus(probabilities: Float[np.ndarray, " d_vocab"], top_p: float) -> Int[np.ndarray, " kept"]:
    """The smallest set of most likely tokens whose mass is at least `top_p`, in the order of their ids.

    Of equally likely tokens the one with the lower id comes first.
    """
    if top_p == 1:
        return np.arange(len(probabilities))
    # All tokens at or below this bound weigh at most 1 - top_p together, so those above it hold the set.
    above = np.flatnonzero(probabilities > (1 - top_p) / len(probabilities))
    ordered = above[np.argsort(-probabilities[above], kind="stable")]
    size = int(np.searchsorted(np.cumsum(probabilities[ordered]), top_p)) + 1
    return np.sort(ordered[:size])


def check_samples(samples_per_question: int, temperature: float, greedy_too: bool = False) -> int:
    """The number of samples of a question. Raises DataError for one that cannot be drawn."""
    samples = whole_number("samples_per_question", samples_per_question, 1)
    if number("temperature", temperature, low=0):
        return samples
    if samples > 1:
        raise DataError("samples_per_question: several greedy answers are all the same; give a temperature above 0")
    if flag("greedy_too", greedy_too):
        raise DataError("greedy_too: at temperature 0 the answer is the greedy one; give a temperature above 0")
    return samples


GREEDY = "greedy"
"""Behind the `#` of the id of a greedy answer that stands beside drawn ones."""


@dataclass(frozen=True)
class DrawnRow:
    """A row as it is asked once."""

    row: QARow
    """Under the id of the sample."""
    of: str
    """The id of the row itself."""
    draw: int | None
    """The number of the draw, from 0; None: greedy, or the row brings its answer."""


def drawn_rows(rows: Sequence[QARow], samples_per_question: int, *, greedy_too: bool = False) -> list[DrawnRow]:
    """Every row that has to be answered, `samples_per_question` times: `12` becomes `12#0`, `12#1` …

    `greedy_too`: and once greedily, as `12#greedy`, before them. All keep the question, and with it their group: no
    fold separates them. Rows that bring a completion stand once, as they are. Raises DataError for ids that are taken.
    """
    out: list[DrawnRow] = []
    for row in rows:
        if row.completion is None and row.completion_ids is None:
            draws: list[int | None] = [*([None] if greedy_too else []), *range(samples_per_question)]
            names = [GREEDY if draw is None else draw for draw in draws]
            out += [
                DrawnRow(replace(row, id=f"{row.id}#{name}"), row.id, draw)
                for name, draw in zip(names, draws, strict=True)
            ]
        else:
            out.append(DrawnRow(row, row.id, None))
    if (most := Counter(one.row.id for one in out).most_common(1)) and most[0][1] > 1:
        raise DataError(f"several samples per question: the id {most[0][0]!r} is taken; give the rows other ids")
    return out


def sampled_rows(rows: Sequence[QARow], samples_per_question: int, *, greedy_too: bool = False) -> list[QARow]:
    """The rows under the ids of their samples (`drawn_rows`); one answer each keeps the row's own id."""
    if samples_per_question == 1 and not greedy_too:
        return list(rows)
    return [one.row for one in drawn_rows(rows, samples_per_question, greedy_too=greedy_too)]
