"""Whole rows of the attention pattern: what the token of each role attends to, over all tokens of its sample."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from interp.capturing.forward_pass import capture_plan
from interp.capturing.layout import Layout
from interp.capturing.points import Points
from interp.capturing.positions import Positions
from interp.capturing.prompt_cache import PromptCache
from interp.capturing.same_samples import positions_of
from interp.capturing.segments import CapturePlan
from interp.labelling.answers import Answers
from interp.models.batches import left_pad
from interp.models.loading import HookedModel, forward, has_pattern, hook_name, model_info
from interp.models.memory import Splits

Rows = Float[Tensor, "role layer head token"]


def attention_rows(
    model: HookedModel, answers: Answers, positions: Positions, roles: Sequence[str], *, batch_tokens: int = 8192
) -> list[Rows | None]:
    """The pattern's row of some roles, at every layer and head, over the tokens of each sample; float32, on the CPU.

    A token outside the layer's window, or behind the role's own, holds 0. NaN: the sample lacks the role, or the layer
    has no pattern. None: the sample has no token, or more than the model's context. Of a pooled role the rows of its
    tokens are pooled as its metrics are. Batches, shared prompts and the prefix run as in a capture.

    Raises ModelError for a sample that has no room in memory, DataError for positions of other samples.
    """
    positions = _of_roles(positions_of(answers, positions), roles)
    plan = capture_plan(model, answers, positions, batch_tokens=batch_tokens)
    one_pass = _RowsPass(model, plan, positions)
    found: list[Rows | None] = [None] * len(answers)
    for samples in plan.batches:
        for part in Splits().run("", samples, one_pass, too_large=partial(_too_large, answers)):
            for sample, rows in part.items():
                found[sample] = rows
    return found


def _of_roles(positions: Positions, roles: Sequence[str]) -> Positions:
    columns = [positions.roles.index(role) for role in roles]
    return replace(
        positions,
        index=positions.index[:, columns],
        valid=positions.valid[:, columns],
        roles=tuple(roles),
        ledger=None,
        first=None if positions.first is None else positions.first[:, columns],
        pooling=tuple(positions.how[column] for column in columns),
    )


class _RowsPass:
    """Passes over some samples of a plan; the prefix that all share runs once."""

    def __init__(self, model: HookedModel, plan: CapturePlan, positions: Positions):
        self.model, self.plan, self.positions = model, plan, positions
        self.info, self.prompts = model_info(model), PromptCache(model, plan)
        self.shown = [layer for layer, there in enumerate(has_pattern(model)) if there]

    def __call__(self, samples: Sequence[int]) -> dict[int, Rows]:
        points = Points.of(self.positions[samples].to(self.info.device))
        positions, parts = points.positions, self.plan.segments(samples)
        tokens, mask = left_pad(parts.suffixes, self.info.device)
        before = self.prompts(parts)
        before.spread()
        widths = (len(self.plan.prefix), before.own, tokens.shape[1])
        layout = Layout.of_segments(parts.starts, positions.n, widths, self.plan.measured(samples))
        longest, absent = int(positions.n.max()), ~self.positions.valid[samples][:, :, None, None]
        shape = (len(samples), points.n_roles, self.info.n_layers, self.info.n_heads, longest)
        rows = torch.full(shape, torch.nan)

        def keep(layer: int, pattern: Tensor) -> None:
            over = _over_tokens(pattern, layout, points, longest).cpu()
            rows[:, :, layer] = over.masked_fill(absent, torch.nan)

        hooks = {hook_name("pattern", layer): partial(keep, layer) for layer in self.shown}
        forward(self.model, tokens, torch.cat([before.mask, mask], dim=1), hooks=hooks, cache=before.cache)
        return {
            sample: rows[row, ..., :n].clone()
            for row, (sample, n) in enumerate(zip(samples, positions.n.tolist(), strict=True))
        }


def _over_tokens(
    pattern: Float[Tensor, "sample head query key"], layout: Layout, points: Points, longest: int
) -> Float[Tensor, "sample role head token"]:
    """The roles' rows with each key at its token's place; what padding holds, also NaN, is left out."""
    positions = points.positions
    at = layout.rows(positions.index, positions.valid).to(pattern.device)
    key = layout.key[:, -pattern.shape[-1] :].to(pattern.device)
    real = (key >= 0)[:, None, None]
    place = torch.where(key >= 0, key, longest)[:, None, None]  # padding goes behind the last token, and is cut off
    queries = pattern[:, :, -layout.query.shape[1] :]

    def read(columns: slice) -> Float[Tensor, "sample point head token"]:
        some = at[:, columns]
        index = some[:, None, :, None].expand(-1, pattern.shape[1], -1, pattern.shape[3])
        weights = torch.where(real, queries.gather(2, index).float(), 0.0)
        spread = weights.new_zeros(*weights.shape[:3], longest + 1)
        return spread.scatter_(3, place.expand_as(weights), weights)[..., :longest].transpose(1, 2)

    return points.pooled(read)


def _too_large(answers: Answers, sample: int) -> str:
    return f"out of memory on sample {answers.id[sample]!r} alone: use a smaller dtype or a larger device"
