"""Positions: which token of each sample a grid column names (definitions: the fifteen token positions)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pandas as pd
import torch
from einops import rearrange
from jaxtyping import Bool, Float, Int
from torch import Tensor

from interp.capturing.ledger import Ledger
from interp.errors import DataError
from interp.labelling.answers import Answers
from interp.models.placement import one_device
from interp.support.accepted import Counts, Mask, Tokens
from interp.support.arguments import several_texts
from interp.support.arrays import read_mask, read_whole_numbers
from interp.support.public import public
from interp.support.sample_key import chosen_samples

MOSTLY = 0.9
"""Share of its samples from which on a column counts as repeating another."""


@public
@dataclass(frozen=True)
class Positions:
    """Token indices of every sample's roles, in the unpadded sequence `prompt_ids + completion_ids`.

    >>> interp.Positions.at([[3, 5], [2, 3]], n_tokens=[6, 4], roles=("prompt_end", "answer"))
    Positions(2 samples; roles: prompt_end 2, answer 2)
    """

    index: Int[Tensor, "sample role"]
    """Absent roles hold -1; read them only through `valid`."""
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

    @classmethod
    def at(
        cls,
        index: Tokens,
        n_tokens: Counts,
        *,
        roles: str | Sequence[str] | None = None,
        valid: Mask | None = None,
        n_prompt: Counts | None = None,
    ) -> "Positions":
        """Positions said by hand: token `index` of every sample and role, counted from 0 in the unpadded sample.

        `index`: ints `sample role`, or `sample` for one role; `n_tokens`: how many tokens each sample has, or all of
        them; `roles`: names (default "0", "1" …); `valid`: bool like `index`, which samples have the role (default:
        all). `n_prompt`: how many of the tokens are prompt (default: all), for the attention metrics.

        Raises DataError for shapes that do not fit, or an index outside its sample.

        >>> interp.Positions.at([[3, 5], [2, 0]], n_tokens=[6, 4], roles=("city", "end"), valid=[[1, 1], [1, 0]])
        Positions(2 samples; roles: city 2, end 1)
        """
        at = torch.from_numpy(read_whole_numbers("index", index))
        at = at[:, None] if at.ndim == 1 else at
        if at.ndim != 2:
            raise DataError(f"index: expected ints `sample role`, or `sample` for one role, got shape {(*at.shape,)}")
        n = _per_sample("n_tokens", n_tokens, len(at))
        prompt = n if n_prompt is None else _per_sample("n_prompt", n_prompt, len(at))
        there = torch.ones_like(at, dtype=torch.bool) if valid is None else torch.from_numpy(read_mask("valid", valid))
        if there.numel() != at.numel() or there.ndim == 0 or len(there) != len(at):
            raise DataError(f"valid: expected the shape of index, {(*at.shape,)}, got {(*there.shape,)}")
        there = there.reshape(at.shape)
        names = tuple(map(str, range(at.shape[1]))) if roles is None else several_texts("roles", roles)
        if len(set(names)) != at.shape[1] or len(names) != at.shape[1]:
            raise DataError(f"roles: expected {at.shape[1]} different names, got {', '.join(names)}")
        outside = there & ((at < 0) | (at >= n[:, None]))
        if outside.any():
            sample, role = outside.nonzero()[0].tolist()
            raise DataError(
                f"index: {int(at[sample, role])} at sample {sample}, role {names[role]!r}, is outside the sample's "
                f"{int(n[sample])} tokens; count from 0 (the last is n_tokens - 1), and say by `valid` what is absent"
            )
        nowhere = at.new_full((len(at), 2), -1)
        return cls(torch.where(there, at, -1), there, names, prompt, n, nowhere, nowhere)

    def __len__(self) -> int:
        return len(self.n)

    def __repr__(self) -> str:
        """In one line: how many samples, and in how many of them each role is there."""
        counts = zip(self.roles, self.valid.sum(0).tolist(), strict=True)
        return f"Positions({len(self)} samples; roles: {', '.join(f'{role} {count}' for role, count in counts)})"

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
        `to_end` (tokens after it; 0: the last). Absent: <NA>.

        >>> interp.Positions.at([[3, 5]], n_tokens=[6], roles=("city", "end")).table()[["role", "index", "to_end"]]
           role  index  to_end
        0  city      3       2
        1   end      5       0
        """
        valid = self.valid.numpy(force=True)
        ledger = Ledger.unknown(valid) if self.ledger is None else self.ledger
        index = np.where(valid, self.index.numpy(force=True), -1)
        return ledger.table(self.roles, index, self.n.numpy(force=True))

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

    def coincidence(self) -> Float[Tensor, "role role2"]:
        """Share of samples in which two roles name the same token, among those that have both (NaN: none has)."""
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
        return both, both & (rearrange(self.index, one) == rearrange(self.index, other))


def positions_at(
    answers: Answers, index: Sequence[Sequence[int]], roles: tuple[str, ...], ledger: Ledger | None
) -> Positions:
    """Positions whose token indices (-1: absent) are known, by sample and role."""
    at = torch.tensor(index, dtype=torch.long).reshape(len(answers), len(roles))
    n_prompt = torch.tensor([len(ids) for ids in answers.prompt_ids], dtype=torch.long)
    n = n_prompt + torch.tensor([len(ids) for ids in answers.completion_ids], dtype=torch.long)
    exact, question = _spans(answers.exact_answer_tokens), _spans(answers.question_tokens)
    return Positions(at, at >= 0, roles, n_prompt, n, exact, question, ledger)


def _per_sample(name: str, values: Any, n: int) -> Int[Tensor, " sample"]:
    """One number for each sample, or one for all; none below 0."""
    numbers = torch.from_numpy(read_whole_numbers(name, values))
    if (numbers < 0).any():
        raise DataError(f"{name}: expected numbers of tokens, got {int(numbers.min())}")
    if numbers.shape not in ((), (n,)):
        raise DataError(f"{name}: expected one number, or one per sample ({n}), got shape {(*numbers.shape,)}")
    return numbers.expand(n)


def _spans(spans: Sequence[tuple[int, int] | None]) -> Int[Tensor, "sample 2"]:
    return torch.tensor([(-1, -1) if span is None else tuple(span) for span in spans], dtype=torch.long).reshape(-1, 2)
