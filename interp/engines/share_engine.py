"""The engine of one task of an array: it makes the units of its share, and stops the step after the last of them."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from interp.engines.share import Share
from interp.engines.units import Engine, Unit
from interp.models.memory import Splits

T = TypeVar("T")


class ShareDone(Exception):
    """A share is made, and with it all that this task can do of the step."""


@dataclass(frozen=True)
class ShareEngine:
    """Makes the units of one share by another engine, then stops the step."""

    share: Share
    engine: Engine

    @property
    def distant(self) -> bool:
        """As the engine that makes them."""
        return self.engine.distant

    def makes(self, number: int) -> bool:
        """Its own."""
        return self.share.holds(number)

    def make(
        self, units: Iterable[Unit[T]], splits: Splits, advance: Callable[[int], None] | None = None
    ) -> Iterator[tuple[Unit[T], T]]:
        """As `Engine.make`, of its own units only. Raises ShareDone after the last of them."""
        own = (unit for unit in units if self.makes(unit.number))
        yield from self.engine.make(own, splits, advance)
        raise ShareDone
