"""Arrays that share an axis are matched by its labels, never by order: where labels stand, and what to say if not."""

from collections.abc import Hashable, Iterable, Sequence

import numpy as np
from jaxtyping import Int

from interp.errors import DataError
from interp.support.messages import shown


def places(
    axis: str, wanted: Iterable[Hashable], there: Sequence[Hashable], *, where: str, remedy: str = ""
) -> Int[np.ndarray, " wanted"]:
    """Where each of the `wanted` labels of an axis stands among those that are `there`.

    Raises DataError, with what there is and what to do, for labels that are not, that are wanted twice, or for none.
    """
    wanted, place = list(wanted), {label: i for i, label in enumerate(there)}
    hint = f"; {remedy}" if remedy else ""
    if absent := [label for label in wanted if label not in place]:
        raise DataError(
            f"{axis}: {len(absent)} of {len(wanted)} are not in {where}, first {shown(absent[0])}; there are "
            f"{some(there)}{hint}"
        )
    if not wanted or len(set(wanted)) < len(wanted):
        raise DataError(f"{axis}: expected different ones of {some(there)}, each once, got {some(wanted)}")
    return np.array([place[label] for label in wanted], dtype=np.int64)


def some(labels: Sequence[object]) -> str:
    """The first few of them, and how many more."""
    return ", ".join(map(str, labels[:8])) + (f" and {len(labels) - 8} more" if len(labels) > 8 else "") or "none"
