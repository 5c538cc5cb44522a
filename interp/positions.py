"""Positions: which token of each sample a grid column names (SPEC: the fifteen token positions)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

import torch
from einops import rearrange, repeat
from jaxtyping import Bool, Float, Int
from torch import Tensor

from interp.answers import Answers
from interp.errors import DataError


@dataclass(frozen=True)
class Anchor:
    """A token at a fixed distance from a landmark of its sample; absent outside `region`.

    Landmarks: `start` (token 0), `question_last` (last token of the row's own question), `prompt_end` (first token
    after the prompt), `exact_first`, `exact_last`, `end` (one past the last token).
    """

    landmark: Literal["start", "question_last", "prompt_end", "exact_first", "exact_last", "end"]
    offset: int = 0
    region: Literal["sample", "prompt", "completion"] = "sample"


ROLE_ANCHORS: dict[str, Anchor] = {
    "last_q": Anchor("prompt_end", -1),
    "first_answer": Anchor("prompt_end", 0, "completion"),
    "second_answer": Anchor("prompt_end", 1, "completion"),
    "exact_answer_before_first": Anchor("exact_first", -1),
    "exact_answer_first": Anchor("exact_first"),
    "exact_answer_last": Anchor("exact_last"),
    "exact_answer_after_last": Anchor("exact_last", 1),
    **{str(-k): Anchor("end", -k, "completion") for k in range(8, 0, -1)},
}
ROLES = tuple(ROLE_ANCHORS)

RoleFunction = Callable[[Sequence[int], int], int | None]
"""A role of the user's own: (ids of the whole sample, n_prompt) -> token index, or None where it is absent."""


@dataclass(frozen=True)
class Positions:
    """Token indices of every sample's roles, in the unpadded sequence `prompt_ids + completion_ids`."""

    index: Int[Tensor, "sample role"]
    """Absent roles hold -1; read them only through `valid`."""
    valid: Bool[Tensor, "sample role"]
    roles: tuple[str, ...]
    n_prompt: Int[Tensor, " sample"]
    n: Int[Tensor, " sample"]
    """Length of `prompt_ids + completion_ids`."""
    exact_answer: Int[Tensor, "sample 2"]
    """First and last token of the exact answer, inclusive; -1 where there is none."""
    question: Int[Tensor, "sample 2"]
    """First and last token of the row's own question, inclusive; -1 where it was not located."""

    def __len__(self) -> int:
        return len(self.n)

    def __getitem__(self, samples: Sequence[int] | slice) -> "Positions":
        """The positions of some samples, in that order."""
        return self._each(lambda tensor: tensor[samples])

    def to(self, device: torch.device | str) -> "Positions":
        """The same positions on another device."""
        return self._each(lambda tensor: tensor.to(device))

    def _each(self, change: Callable[[Tensor], Tensor]) -> "Positions":
        tensors: dict[str, Any] = {f.name: change(getattr(self, f.name)) for f in fields(self) if f.name != "roles"}
        return replace(self, **tensors)

    def coincidence(self) -> Float[Tensor, "role role2"]:
        """Share of samples in which two roles name the same token, among those that have both (NaN: none has)."""
        both = rearrange(self.valid, "sample role -> sample role 1") & rearrange(
            self.valid, "sample role -> sample 1 role"
        )
        same = rearrange(self.index, "sample role -> sample role 1") == rearrange(
            self.index, "sample role -> sample 1 role"
        )
        return (both & same).sum(0) / both.sum(0)


def resolve_positions(
    answers: Answers, *, roles: Sequence[str] | Mapping[str, Anchor | RoleFunction] = ROLES
) -> Positions:
    """The token index of every role in every sample.

    `roles` names some of the fifteen roles, or maps names of the user's own to an `Anchor` or a function of
    (ids, n_prompt). A role is absent (masked, never clamped or wrapped) where its index falls outside the sample or
    the anchor's region, or where its landmark is missing.

    Raises DataError for an unknown role, or an index outside the sample returned by a user's function.
    Source: SPEC, "The fifteen token positions".
    """
    rules = _rules(roles)
    n_prompt = torch.tensor([len(ids) for ids in answers.prompt_ids], dtype=torch.long)
    n = n_prompt + torch.tensor([len(ids) for ids in answers.completion_ids], dtype=torch.long)
    exact = _spans(answers.exact_answer_tokens)
    question = _spans(answers.question_tokens)
    # A missing landmark is far enough left that no offset brings it back into the sample.
    missing = torch.iinfo(torch.long).min // 2
    landmark = {
        "start": torch.zeros_like(n),
        "question_last": torch.where(question[:, 1] < 0, missing, question[:, 1]),
        "prompt_end": n_prompt,
        "exact_first": torch.where(exact[:, 0] < 0, missing, exact[:, 0]),
        "exact_last": torch.where(exact[:, 1] < 0, missing, exact[:, 1]),
        "end": n,
    }
    regions = {
        "sample": (torch.zeros_like(n), n),
        "prompt": (torch.zeros_like(n), n_prompt),
        "completion": (n_prompt, n),
    }
    columns, present = [], []
    for name, rule in rules.items():
        if isinstance(rule, Anchor):
            index, (low, high) = landmark[rule.landmark] + rule.offset, regions[rule.region]
        else:
            index, (low, high) = _apply(name, rule, answers, missing), regions["sample"]
        columns.append(index)
        present.append((index >= low) & (index < high))
    index = torch.stack(columns, dim=1) if columns else torch.empty(len(n), 0, dtype=torch.long)
    valid = torch.stack(present, dim=1) if present else torch.empty(len(n), 0, dtype=torch.bool)
    return Positions(torch.where(valid, index, -1), valid, tuple(rules), n_prompt, n, exact, question)


def gather(
    hidden: Float[Tensor, "sample token *width"], index: Int[Tensor, "sample role"], valid: Bool[Tensor, "sample role"]
) -> Float[Tensor, "sample role *width"]:
    """The vectors of `hidden` at each sample's token indices; NaN where a role is absent.

    A gather, not a one-hot product, which would turn an inf at an unselected token into NaN.
    """
    flat = hidden.flatten(2) if hidden.ndim > 2 else hidden[..., None]
    at = repeat(torch.where(valid, index, 0), "sample role -> sample role width", width=flat.shape[-1])
    picked = torch.take_along_dim(flat, at, dim=1).masked_fill(~valid[..., None], torch.nan)
    return picked.reshape(*index.shape, *hidden.shape[2:])


def _rules(roles: Sequence[str] | Mapping[str, Anchor | RoleFunction]) -> dict[str, Anchor | RoleFunction]:
    if isinstance(roles, Mapping):
        return dict(roles)
    unknown = [role for role in roles if role not in ROLE_ANCHORS]
    if unknown:
        raise DataError(
            f"unknown role {unknown[0]!r}; known roles are {', '.join(ROLES)}. For a role of your own pass a mapping "
            "{name: Anchor(...) or function(ids, n_prompt)}"
        )
    return {role: ROLE_ANCHORS[role] for role in roles}


def _spans(spans: Sequence[tuple[int, int] | None]) -> Int[Tensor, "sample 2"]:
    return torch.tensor([(-1, -1) if span is None else tuple(span) for span in spans], dtype=torch.long).reshape(-1, 2)


def _apply(name: str, rule: RoleFunction, answers: Answers, missing: int) -> Int[Tensor, " sample"]:
    index = []
    for sample, prompt, completion in zip(answers.id, answers.prompt_ids, answers.completion_ids, strict=True):
        token, n = rule([*prompt, *completion], len(prompt)), len(prompt) + len(completion)
        if token is not None and not 0 <= token < n:
            raise DataError(f"role {name!r} of sample {sample!r} returned token {token}; expected None or 0 … {n - 1}")
        index.append(missing if token is None else token)
    return torch.tensor(index, dtype=torch.long)
