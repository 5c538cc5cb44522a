"""What defines a column: an anchor, a match, a pooled span or a function; and the tokens that it names in a sample."""

from collections.abc import Callable, Mapping, Sequence
from operator import index as as_index

from interp.capturing.pool import Pool, Span
from interp.capturing.roles import Anchor, Match, Sample
from interp.errors import DataError

RoleFunction = Callable[[Sequence[int], int], int | None]
"""A role of the user's own: (ids of the whole sample, n_prompt) -> token index, or None where it is absent."""

RoleRule = Anchor | Match | Pool | RoleFunction
Roles = Sequence[str | tuple[str, str | RoleRule]] | Mapping[str, str | RoleRule]


def locate(name: str, rule: RoleRule, sample: Sample) -> Span | str:
    """First and last of the tokens that `rule` names in `sample` (one token: twice), or in words why there is none.

    Raises DataError if a function of the user's returns no token of the sample.
    """
    if isinstance(rule, Anchor | Match | Pool):
        found = rule.locate(sample)
        return (found, found) if isinstance(found, int) else found
    token = rule(list(sample.ids), sample.n_prompt)
    if token is None:
        return "the role's function returned None"
    try:
        at = as_index(token)
    except TypeError:
        at = -1
    if not 0 <= at < len(sample.ids):
        raise DataError(
            f"role {name!r} of sample {sample.id!r} returned token {token}; expected None or 0 … {len(sample.ids) - 1}"
        )
    return at, at
