"""The engine that makes nothing: it tells which units of a run nobody has made yet."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar, TypeVar

from interp.engines.units import Unit
from interp.models.memory import Splits

T = TypeVar("T")


class Missing(Exception):
    """Units that are still to be made."""

    def __init__(self, numbers: list[int], samples: int) -> None:
        super().__init__(numbers, samples)
        self.numbers, self.samples = numbers, samples


@dataclass(frozen=True)
class AllMade:
    """Goes through a step whose units are all there."""

    distant: ClassVar[bool] = False

    def makes(self, number: int) -> bool:
        """Every unit."""
        return True

    def make(
        self, units: Iterable[Unit[T]], splits: Splits, advance: Callable[[int], None] | None = None
    ) -> Iterator[tuple[Unit[T], T]]:
        """As `Engine.make`, of nothing. Raises Missing where there is a unit to be made."""
        left = [(unit.number, unit.samples) for unit in units]
        if left:
            raise Missing([number for number, _ in left], sum(samples for _, samples in left))
        yield from ()
