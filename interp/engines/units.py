"""Units of work: the plan of a run cut into pieces that any worker with the run's model makes to the same bytes."""

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, TypeVar, runtime_checkable

from interp.models.loading import HookedModel
from interp.models.memory import Splits

T = TypeVar("T")
Made = TypeVar("Made", covariant=True)


def _nothing(samples: int) -> None:
    pass


@dataclass
class Worker:
    """A loaded model, and what the units that it makes have in common."""

    model: HookedModel
    splits: Splits = field(default_factory=Splits)
    """Batches that did not fit; a unit obeys what it finds there."""
    advance: Callable[[int], None] = _nothing
    """Called with the number of samples just finished."""
    _kept: tuple[Hashable, Any] = field(default=((), None), repr=False)

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` gives, kept until another key is asked for: the cache of the prefix that all samples share."""
        if self._kept[0] != key:
            self._kept = (key, make())
        kept: T = self._kept[1]
        return kept


@runtime_checkable
class Unit(Protocol[Made]):
    """One piece: it can be pickled, and carries all that it takes besides the model."""

    @property
    def number(self) -> int:
        """Its place in the plan, from 0."""

    @property
    def name(self) -> str:
        """What an error calls it."""

    @property
    def batches(self) -> tuple[str, ...]:
        """The names under which `Splits` knows its batches."""

    @property
    def samples(self) -> int:
        """How many it holds."""

    def __call__(self, worker: Worker) -> Made:
        """Make it."""


@runtime_checkable
class Engine(Protocol):
    """Decides who makes which unit; what comes out depends on the units alone."""

    @property
    def distant(self) -> bool:
        """Whether its workers may be on machines that do not see this one's disk."""

    def makes(self, number: int) -> bool:
        """Whether it makes the unit of that number; if not, another process does."""

    def make(
        self, units: Iterable[Unit[T]], splits: Splits, advance: Callable[[int], None] | None = None
    ) -> Iterator[tuple[Unit[T], T]]:
        """Every unit with what became of it, as they are finished; `splits` learns which batches did not fit."""


@dataclass(frozen=True)
class Local:
    """This process, one unit after the other."""

    model: HookedModel
    distant: ClassVar[bool] = False

    def makes(self, number: int) -> bool:
        """Every unit."""
        return True

    def make(
        self, units: Iterable[Unit[T]], splits: Splits, advance: Callable[[int], None] | None = None
    ) -> Iterator[tuple[Unit[T], T]]:
        """As `Engine.make`, in the order of the units."""
        worker = Worker(self.model, splits, advance or _nothing)
        for unit in units:
            yield unit, unit(worker)
