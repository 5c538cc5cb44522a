"""A batch that does not fit into memory runs in halves, and what was halved is written down."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import torch

from interp.errors import ModelError

T = TypeVar("T")


def _nothing() -> None:
    pass


@dataclass
class Splits:
    """The batches that did not fit, by name; part of a run's identity, as the composition of batches is."""

    sizes: dict[str, list[int]] = field(default_factory=dict)
    """How many samples ran at once; obeyed when the batch comes again, and extended in place."""
    changed: Callable[[], None] = _nothing
    """Called after every halving, before the halves run."""

    def run(
        self,
        batch: str,
        samples: Sequence[int],
        one_pass: Callable[[Sequence[int]], T],
        *,
        too_large: Callable[[int], str],
    ) -> list[T]:
        """`one_pass` of all samples, or of one part after the other, in their order.

        Raises ModelError with `too_large(sample)` for one that does not fit alone.
        """
        done: list[T] = []
        ran: list[int] = []
        waiting = list(self.sizes.get(batch, [len(samples)]))
        while waiting:
            some = samples[sum(ran) : sum(ran) + waiting[0]]
            try:
                done.append(one_pass(some))
            except (RuntimeError, MemoryError) as error:
                if not out_of_memory(error):
                    raise
                if len(some) == 1:
                    raise ModelError(too_large(some[0])) from error
                waiting[:1] = [len(some) // 2, len(some) - len(some) // 2]
                self.sizes[batch] = [*ran, *waiting]
                self.changed()
            else:
                ran.append(waiting.pop(0))
        return done


def out_of_memory(error: BaseException) -> bool:
    """Whether the machine has no room: torch's CPU allocator and older backends only say so in words."""
    said = str(error).lower()
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or any(
        words in said for words in ("out of memory", "can't allocate memory", "not enough memory")
    )
