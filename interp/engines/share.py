"""One task of an array: of every N units the i-th, as a scheduler of jobs starts them beside each other."""

import re
from dataclasses import dataclass
from pathlib import Path

from interp.errors import DataError
from interp.support.messages import shown

MOST = 100_000


@dataclass(frozen=True, order=True)
class Share:
    """Task `part` of `of`, counted from 1."""

    part: int
    of: int

    @classmethod
    def read(cls, text: object) -> "Share":
        """`2/8`. Raises DataError for what is no share."""
        found = re.fullmatch(r"\s*(\d{1,6})\s*/\s*(\d{1,6})\s*", text) if isinstance(text, str) else None
        if found is None or not 1 <= int(found[1]) <= int(found[2]) <= MOST:
            raise DataError(f"shard: expected i/N with i from 1 to N (as 2/8: the second of eight), got {shown(text)}")
        return cls(int(found[1]), int(found[2]))

    @classmethod
    def at(cls, path: Path) -> "Share | None":
        """The share in a folder of that name; None for what is called otherwise."""
        found = re.fullmatch(r"(\d{1,6})-of-(\d{1,6})", path.name)
        return cls(int(found[1]), int(found[2])) if found else None

    @property
    def folder(self) -> str:
        """The name of its folder."""
        return f"{self.part}-of-{self.of}"

    def __str__(self) -> str:
        return f"{self.part}/{self.of}"

    def holds(self, number: int) -> bool:
        """Whether a unit is its own. Neighbours of a plan are alike in length, so every share costs much the same."""
        return number % self.of == self.part - 1
