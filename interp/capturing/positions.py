"""Positions: which tokens of each sample a grid column names (definitions: the fifteen token positions)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pandas as pd
import torch
import xarray as xr
from einops import rearrange
from jaxtyping import Bool, Float, Int
from torch import Tensor

from interp.capturing.labelled_arrays import positions_dataset
from interp.capturing.ledger import Ledger
from interp.capturing.pool import Span
from interp.capturing.positions_html import positions_html
from interp.capturing.tokens_by_hand import read_tokens
from interp.labelling.answers import Answers
from interp.models.placement import one_device
from interp.support.accepted import Counts, Mask, Tokens
from interp.support.public import public
from interp.support.sample_key import chosen_samples
from interp.support.tabular import Tabular

MOSTLY = 0.9
"""Share of its samples from which on a column counts as repeating another."""


@public
@dataclass(frozen=True)
class Positions(Tabular):
    """Token indices of every sample's roles, in the unpadded sequence `prompt_ids + completion_ids`.

    >>> interp.Positions.at([[3, 5], [2, 3]], n_tokens=[6, 4], roles=("prompt_end", "answer"))
    Positions(2 samples; roles: prompt_end 2, answer 2)
    """

    index: Int[Tensor, "sample role"]
    """Absent roles hold -1; read them only through `valid`. Of a pooled role the last token of its span."""
    valid: Bool[Tensor, "sample role"]
    """Whether the sample has the role."""
    roles: tuple[str, ...]
    """Names of the columns."""
    n_prompt: Int[Tensor, " sample"]
    """Length of `prompt_ids`."""
    n: Int[Tensor, " sample"]
    """Length of `prompt_ids + completion_ids`."""
    exact_answer: Int[Tensor, "sample 2"]
    """First and last token of the exact answer, inclusive; -1 where there is none."""
    question: Int[Tensor, "sample 2"]
    """First and last token of the row's own question, inclusive; -1 where it was not located."""
    ledger: Ledger | None = None
    """What stands there, and why a role is absent; None for positions made by hand."""
    first: Int[Tensor, "sample role"] | None = None
    """The first token of a pooled role's span; None: every role names one token, its `index`."""
    pooling: tuple[str, ...] = ()
    """How each role's tokens become one: `mean`, `max` or `min`, "" where it names one; empty: every role names one."""

    @property
    def how(self) -> tuple[str, ...]:
        """`pooling` of every role."""
        return self.pooling or ("",) * len(self.roles)

    @property
    def begin(self) -> Int[Tensor, "sample role"]:
        """First token of each role: `index` itself, but for pooled ones."""
        return self.index if self.first is None else self.first

    @property
    def span(self) -> Int[Tensor, "sample role 2"]:
        """First and last token of each role, inclusive, twice the same where it names one; absent roles hold -1.

        >>> interp.Positions.at([[3, 5]], n_tokens=[6]).span
        tensor([[[3, 3],
                 [5, 5]]])
        """
        return torch.stack([self.begin, self.index], dim=-1)

    @classmethod
    def at(
        cls,
        index: Tokens,
        n_tokens: Counts,
        *,
        roles: str | Sequence[str] | None = None,
        valid: Mask | None = None,
        n_prompt: Counts | None = None,
        pooling: str | Sequence[str] = "mean",
    ) -> "Positions":
        """Positions said by hand: token `index` of every sample and role, counted from 0 in the unpadded sample.

        `index`: ints `sample role`, or `sample` for one role; or `sample role 2`, first and last token (inclusive) of
        spans to be pooled, by `pooling`: `mean`, `max` or `min`, one for all or one per role. `n_tokens`: how many
        tokens each sample has, or all of them; `roles`: names (default "0", "1" …); `valid`: bool `sample role`, which
        samples have the role (default: all). `n_prompt`: how many of the tokens are prompt (default: all), for the
        attention metrics.

        Raises DataError for shapes that do not fit, or an index outside its sample.

        >>> interp.Positions.at([[3, 5], [2, 0]], n_tokens=[6, 4], roles=("city", "end"), valid=[[1, 1], [1, 0]])
        Positions(2 samples; roles: city 2, end 1)
        """
        return cls(**read_tokens(index, n_tokens, roles=roles, valid=valid, n_prompt=n_prompt, pooling=pooling))

    def __len__(self) -> int:
        return len(self.n)

    def __repr__(self) -> str:
        """In one line: how many samples, and in how many of them each role is there."""
        counts = zip(self.roles, self.valid.sum(0).tolist(), strict=True)
        return f"Positions({len(self)} samples; roles: {', '.join(f'{role} {count}' for role, count in counts)})"

    def _repr_html_(self) -> str:
        """In a notebook: every role, how many samples have it, and why the others do not."""
        return positions_html(self)

    def __getitem__(self, samples: Any) -> "Positions":
        """The positions of some samples, in that order: a slice, indices, a mask; a number gives that one sample's.

        Raises DataError for a key that names no samples.
        """
        places = chosen_samples(samples, len(self))
        ledger = None if self.ledger is None else self.ledger[places]
        return replace(self._each(lambda tensor: tensor[places]), ledger=ledger)

    def to(self, device: torch.device | str) -> "Positions":
        """The same positions on another device."""
        place = one_device(device)
        return self._each(lambda tensor: tensor.to(place))

    def _each(self, change: Callable[[Tensor], Tensor]) -> "Positions":
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        tensors: dict[str, Any] = {
            name: change(value) for name, value in values.items() if isinstance(value, torch.Tensor)
        }
        return replace(self, **tensors)

    def table(self) -> pd.DataFrame:
        """The position ledger: one row per sample and role, in order.

        Columns: `sample` (id), `role`, `index` in `prompt_ids + completion_ids`, `token_id`, `text` (the characters
        that the token covers; None without a tokenizer), `valid`, `reason` (why the role is absent, in words) and
        `to_end` (tokens after it; 0: the last). Absent: <NA>. Of a pooled role these are of its last token, but for
        `text`, which is that of the whole span; where there is one, the column `first` holds every role's first token.

        >>> interp.Positions.at([[3, 5]], n_tokens=[6], roles=("city", "end")).table()[["role", "index", "to_end"]]
           role  index  to_end
        0  city      3       2
        1   end      5       0
        """
        valid = self.valid.numpy(force=True)
        ledger = Ledger.unknown(valid) if self.ledger is None else self.ledger
        index = np.where(valid, self.index.numpy(force=True), -1)
        first = None if self.first is None else np.where(valid, self.first.numpy(force=True), -1)
        return ledger.table(self.roles, index, self.n.numpy(force=True), first)

    def summary(self) -> pd.DataFrame:
        """One row per role: `n` samples that have it, mean `to_end`, the column it `repeats`, shares absent by reason.

        The last columns are named after the reasons that occur; their shares are of all samples.

        >>> interp.Positions.at([[3, 5], [2, 3]], n_tokens=[6, 4], roles=("city", "end")).summary()["n"].to_dict()
        {'city': 2, 'end': 2}
        """
        table = self.table()
        by_role = table.groupby("role", sort=False)
        reasons = table.loc[~table["valid"], "reason"]
        shares = {reason: (table["reason"] == reason).groupby(table["role"]).mean() for reason in reasons.unique()}
        columns = {"n": by_role["valid"].sum(), "to_end": by_role["to_end"].mean().astype("Float64")}
        repeats = pd.Series(self.repeats(), index=list(self.roles), dtype=object)
        return pd.DataFrame(columns | {"repeats": repeats} | shares, index=pd.Index(self.roles, name="role"))

    def to_xarray(self) -> xr.Dataset:
        """`position` (-1: absent), `valid`, `reason` on (sample, token), `n_prompt`, `n` on sample; labels as in grids.

        `token` holds the roles. Where one is pooled, `position` is its last token and `position_first` the first.

        >>> places = interp.Positions.at([[3, 5]], n_tokens=[6], roles=("city", "end")).to_xarray()
        >>> places.position.sel(token="end").values
        array([5])
        """
        return positions_dataset(self)

    def coincidence(self) -> Float[Tensor, "role role2"]:
        """Share of samples in which two roles name the same token, among those that have both (NaN: none has).

        Pooled roles do where their spans are equal, and are one token or pooled alike.
        """
        both, same = self._pairs()
        return same.sum(0) / both.sum(0)

    def repeats(self) -> tuple[str, ...]:
        """For each role the earlier one that names its token in at least 90 % of its samples, or an empty string."""
        _, same = self._pairs()
        share = torch.nan_to_num(same.sum(0) / self.valid.sum(0)[:, None]).tril(-1)
        most, other = share.max(1) if self.roles else (share.new_empty(0), share.new_empty(0))
        return tuple(self.roles[int(j)] if m >= MOSTLY else "" for m, j in zip(most, other, strict=True))

    def _pairs(self) -> tuple[Bool[Tensor, "sample role role2"], Bool[Tensor, "sample role role2"]]:
        """Where two roles are both there, and where they name the same token."""
        one, other = "sample role -> sample role 1", "sample role -> sample 1 role"
        both = rearrange(self.valid, one) & rearrange(self.valid, other)
        same = rearrange(self.index, one) == rearrange(self.index, other)
        if self.first is None:
            return both, both & same
        same &= rearrange(self.first, one) == rearrange(self.first, other)
        alike = torch.tensor([[how == another for another in self.how] for how in self.how]).to(same.device)
        return both, both & same & (alike | rearrange(self.first == self.index, one))


def positions_at(
    answers: Answers,
    index: Sequence[Sequence[int | Span]],
    roles: tuple[str, ...],
    ledger: Ledger | None,
    pooling: tuple[str, ...] = (),
) -> Positions:
    """Positions whose tokens are known, by sample and role: one (-1: absent), or the first and last of a span."""
    ends = [[(token, token) if isinstance(token, int) else token for token in row] for row in index]
    spans = torch.tensor(ends, dtype=torch.long).reshape(len(answers), len(roles), 2)
    begin, at = spans.unbind(-1)
    n_prompt = torch.tensor([len(ids) for ids in answers.prompt_ids], dtype=torch.long)
    n = n_prompt + torch.tensor([len(ids) for ids in answers.completion_ids], dtype=torch.long)
    exact, question = _spans(answers.exact_answer_tokens), _spans(answers.question_tokens)
    first = begin if any(pooling) else None
    return Positions(at, at >= 0, roles, n_prompt, n, exact, question, ledger, first, pooling)


def _spans(spans: Sequence[tuple[int, int] | None]) -> Int[Tensor, "sample 2"]:
    return torch.tensor([(-1, -1) if span is None else tuple(span) for span in spans], dtype=torch.long).reshape(-1, 2)
