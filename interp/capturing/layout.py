"""Where a sample's tokens stand in a padded batch: the one place that knows about padding, prefixes and windows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from interp.capturing.positions import Positions
from interp.errors import DataError

PaddingSide = Literal["left", "right"]
BLOCK = 32
"""Roles whose rows of a pattern are reduced together."""


@dataclass(frozen=True)
class Layout:
    """For each query row and key column of a batch, the token of the sample it holds (-1: padding)."""

    query: Int[Tensor, "sample query"]
    key: Int[Tensor, "sample key"]

    @classmethod
    def padded(
        cls, n: Int[Tensor, " sample"], queries: int, keys: int, padding_side: PaddingSide = "right"
    ) -> "Layout":
        """Samples of length `n` padded to one side.

        With left padding, queries and keys are aligned at the end, so that a suffix of queries (a key-value cache
        holds the rest) and a key axis cut short by a sliding window's cache are placed rightly too.
        """
        if padding_side == "right" and queries != keys:
            raise DataError(f"right padding needs as many queries as keys, got {queries} and {keys}")
        return cls(_tokens(n, queries, padding_side), _tokens(n, keys, padding_side))

    @classmethod
    def segmented(cls, bounds: Int[Tensor, "sample bound"], widths: Sequence[int], queries: int) -> "Layout":
        """Segments one after the other, each padded on the left to its width; the last columns are the queries.

        Segment s of a sample holds its tokens from `bounds[:, s]` up to, not including, `bounds[:, s + 1]`.
        """
        segments = []
        for start, end, width in zip(bounds.T[:-1], bounds.T[1:], widths, strict=True):
            token = _tokens(end - start, width, "left")
            segments.append(torch.where(token >= 0, token + start[:, None], -1))
        key = torch.cat(segments, dim=1)
        return cls(key[:, key.shape[1] - queries :], key)

    @classmethod
    def of_segments(
        cls, starts: Sequence[int], n: Int[Tensor, " sample"], widths: tuple[int, int, int], queries: int
    ) -> "Layout":
        """Shared prefix, own prompt, and the suffix that begins at token `starts` (`Segments`), in columns of `widths`.

        The last `queries` columns of the suffixes are the queries, all of them if there are fewer.
        """
        begin = torch.tensor(starts, device=n.device)
        bounds = torch.stack([torch.zeros_like(begin), begin.clamp_max(widths[0]), begin, n], dim=1)
        return cls.segmented(bounds, widths, min(widths[-1], max(queries, 1)))

    def rows(self, index: Int[Tensor, "sample role"], valid: Bool[Tensor, "sample role"]) -> Int[Tensor, "sample role"]:
        """The query row of each role; 0 for an absent role (mask it), DataError if a present one has no row."""
        hit = self.query[:, None, :] == index[:, :, None]
        missing = valid & ~hit.any(-1)
        if missing.any():
            sample, role = (int(i) for i in missing.nonzero()[0])
            raise DataError(f"token {int(index[sample, role])} of sample {sample} is not among the batch's query rows")
        return torch.where(valid, hit.int().argmax(-1), 0)


def _tokens(n: Int[Tensor, " sample"], width: int, side: PaddingSide) -> Int[Tensor, "sample {width}"]:
    column = torch.arange(width, device=n.device)
    token = column[None, :] - (width - n[:, None] if side == "left" else 0)
    return torch.where((token >= 0) & (token < n[:, None]), token, -1)


def visible_keys(
    layout: Layout, query_token: Int[Tensor, "sample query"], window: int | None
) -> Bool[Tensor, "sample query key"]:
    """V(p) of the definitions: the keys a query token may attend to (causal, in the sliding window, no padding)."""
    key, query = layout.key[:, None, :], query_token[:, :, None]
    seen = (key >= 0) & (key <= query)
    return seen if window is None else seen & (key > query - window)


@dataclass(frozen=True)
class PatternMasks:
    """What the attention metrics need besides the pattern; the same for all layers of a batch with one window."""

    row: Int[Tensor, "sample role"]
    """Query row of each role."""
    valid: Bool[Tensor, "sample role"]
    column: Int[Tensor, "sample role"]
    """Key column of each role."""
    n_visible: Float[Tensor, "sample role"]
    key_sets: Bool[Tensor, "sample role key set"]
    """SETS among the visible keys."""
    sees: Float[Tensor, "sample query role"]
    """1 where a later query sees the role's token."""
    query_visible: Float[Tensor, "sample query"]
    """|V(q)|; 0 in padding."""
    sink: Float[Tensor, "sample key"]
    """1 at the sample's first token."""
    query_sees_sink: Float[Tensor, "sample query"]

    def to(self, device: torch.device | str) -> "PatternMasks":
        """The same masks on another device."""
        tensors: dict[str, Any] = {field.name: getattr(self, field.name).to(device) for field in fields(self)}
        return replace(self, **tensors)

    def blocks(self) -> Iterator["PatternMasks"]:
        """A few roles at a time: what is computed of a row of the pattern never takes more room than the pattern."""
        for start in range(0, max(1, self.row.shape[1]), BLOCK):
            some = slice(start, start + BLOCK)
            yield replace(
                self,
                row=self.row[:, some],
                valid=self.valid[:, some],
                column=self.column[:, some],
                n_visible=self.n_visible[:, some],
                key_sets=self.key_sets[:, some],
                sees=self.sees[:, :, some],
            )

    SETS = ("sink", "question", "exact_answer", "completion", "self", "prompt", "all")

    @classmethod
    def of(cls, positions: Positions, layout: Layout, window: int | None = None) -> "PatternMasks":
        """Masks for a batch; `positions` holds the batch's samples, in the batch's order."""
        index = torch.where(positions.valid, positions.index, -1)
        row = layout.rows(index, positions.valid)
        visible = visible_keys(layout, index, window)
        key = layout.key[:, None, :]
        n_prompt = positions.n_prompt[:, None, None]

        def between(span: Int[Tensor, "sample 2"]) -> Bool[Tensor, "sample one key"]:
            return (span[:, :1, None] >= 0) & (key >= span[:, :1, None]) & (key <= span[:, 1:, None])

        sets = (
            key == 0,
            between(positions.question),
            between(positions.exact_answer),
            key >= n_prompt,
            key == index[:, :, None],
            key < n_prompt,
            key >= 0,
        )
        # A window may have cut the role's own column off the key axis only if no later query sees it.
        at_role = (layout.key[:, None, :] == index[:, :, None]) & (index[:, :, None] >= 0)
        later = layout.query[:, :, None] > index[:, None, :]
        near = later if window is None else later & (layout.query[:, :, None] < index[:, None, :] + window)
        token = layout.query
        query_visible = torch.where(token >= 0, token + 1, 0)
        sees_sink = token >= 0
        if window is not None:
            query_visible = query_visible.clamp(max=window)
            sees_sink = sees_sink & (token < window)
        return cls(
            row=row,
            valid=positions.valid,
            column=at_role.int().argmax(-1),
            n_visible=visible.sum(-1).float(),
            key_sets=torch.stack([member & visible for member in sets], dim=-1),
            sees=(near & positions.valid[:, None, :]).float(),
            query_visible=query_visible.float(),
            sink=(layout.key == 0).float(),
            query_sees_sink=sees_sink.float(),
        )
