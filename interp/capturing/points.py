"""The single tokens that a batch's columns are read from, and how the tokens of a pooled column become one."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from interp.capturing.positions import Positions


@dataclass(frozen=True)
class Group:
    """Roles that are pooled alike, over as many points each: one behind the other in the points' columns."""

    how: str
    """`mean`, `max`, `min`; "" for one token, which stays as it is."""
    roles: list[int]
    length: int
    columns: slice


@dataclass(frozen=True)
class Points:
    """The tokens of every role as columns of their own, and the way back to the roles.

    What is read at a token is read here once per token and column, then pooled: no tensor over all tokens is kept.
    """

    positions: Positions
    """One column per token of a role's longest span in these samples; absent past the end of a shorter one."""
    groups: tuple[Group, ...]
    n_roles: int

    @classmethod
    def of(cls, positions: Positions) -> "Points":
        """The points of all roles, single tokens first."""
        begin, valid = positions.begin, positions.valid
        length = torch.where(valid, positions.index - begin + 1, 1)
        longest = length.amax(0).tolist() if len(positions) else [1] * len(positions.roles)
        kinds: dict[tuple[int, str], list[int]] = {(1, ""): []}
        for role, (how, most) in enumerate(zip(positions.how, longest, strict=True)):
            kinds.setdefault((most, how if most > 1 else ""), []).append(role)
        groups, index, there, end = [], [], [], 0
        for (most, how), roles in sorted(kinds.items()):
            step = torch.arange(most, device=begin.device)
            index.append((begin[:, roles, None] + step).flatten(1))
            there.append((valid[:, roles, None] & (step < length[:, roles, None])).flatten(1))
            groups.append(Group(how, roles, most, slice(end, end + len(roles) * most)))
            end = groups[-1].columns.stop
        at, has = torch.cat(index, 1), torch.cat(there, 1)
        tokens = replace(
            positions,
            index=torch.where(has, at, -1),
            valid=has,
            roles=tuple(map(str, range(end))),
            ledger=None,
            first=None,
            pooling=(),
        )
        return cls(tokens, tuple(groups), len(positions.roles))

    def pooled(
        self, read: Callable[[slice], Float[Tensor, "sample point *width"]], *, where_defined: bool = False
    ) -> Float[Tensor, "sample role *width"]:
        """What `read` finds at some columns of the points, for each role; NaN where the role is absent.

        Pooled in float32 (in float64 where that is what is read) and given back in the type that was read. With
        `where_defined` NaN is a value that a token does not have, and the others are pooled; else it stays.
        """
        out: Tensor | None = None
        for group in self.groups:
            values = read(group.columns).unflatten(1, (len(group.roles), group.length))
            has = self.positions.valid[:, group.columns].to(values.device).unflatten(1, values.shape[1:3])
            one = _pool(group.how, values, has, where_defined)
            if out is None:
                out = one.new_empty(len(one), self.n_roles, *one.shape[2:])
            out[:, group.roles] = one
        assert out is not None, "there is a role"
        return out


def _pool(
    how: str,
    values: Float[Tensor, "sample role point *width"],
    has: Bool[Tensor, "sample role point"],
    where_defined: bool,
) -> Float[Tensor, "sample role *width"]:
    if not how:
        return values[:, :, 0]
    wide = values.to(torch.promote_types(values.dtype, torch.float32))
    has = has.reshape(*has.shape, *[1] * (wide.ndim - 3)).expand_as(wide)
    if where_defined:
        has = has & ~wide.isnan()
    count = has.sum(2)
    if how == "mean":
        pooled = torch.where(has, wide, 0.0).sum(2) / count
    elif how == "max":
        pooled = torch.where(has, wide, -torch.inf).amax(2)
    else:
        pooled = torch.where(has, wide, torch.inf).amin(2)
    return pooled.masked_fill(count == 0, torch.nan).to(values.dtype)
