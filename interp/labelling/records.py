"""Answers as records: indexed by samples, looped over, found by id, and as a table."""

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any, TypeVar, overload

import pandas as pd

from interp.errors import DataError
from interp.labelling.judgement import Judgement
from interp.support.sample_key import chosen_samples, one_sample
from interp.support.tabular import Tabular

Some = TypeVar("Some", bound="Records")


class Records(Tabular):
    """A frozen dataclass whose lists hold one entry per sample, in one order."""

    id: list[str]
    judgement: Judgement | None

    def __len__(self) -> int:
        return len(self.id)

    @overload
    def __getitem__(self, key: int) -> dict[str, Any]: ...

    @overload
    def __getitem__(self: Some, key: Any) -> Some: ...

    def __getitem__(self: Some, key: Any) -> Some | dict[str, Any]:
        """The record of one sample {field: value}; of several (a slice, indices, a mask) the same for those, in order.

        A record has the fields that hold one entry per sample, and `judge` (as in samples.jsonl) if there was one.
        Raises DataError for a key that names no samples.
        """
        if isinstance(key, str):
            raise DataError(f"samples: expected numbers, a slice or a mask, got {key!r}; for an id: .at({key!r})")
        one = one_sample(key, len(self))
        if one is not None:
            return next(iter(self[[one]]))
        places = chosen_samples(key, len(self))
        parts: dict[str, Any] = {name: [values[i] for i in places] for name, values in self._by_sample().items()}
        parts["judgement"] = None if self.judgement is None else self.judgement[places]
        return replace(self, **parts)  # type: ignore[type-var]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        columns = self._columns()
        return (dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True))

    def at(self, id: str) -> dict[str, Any]:
        """The record of the sample with this id. Raises DataError if there is none.

        >>> from interp.demo import planted
        >>> planted()[1].at("q3")["text"]
        'It is in Town 3.'
        """
        if id not in self.id:
            some = ", ".join(self.id[:3]) + (" …" if len(self) > 3 else "")
            raise DataError(f"samples: there is none with id {id!r}; the ids are {some or 'none'}")
        return self[self.id.index(id)]

    def table(self) -> pd.DataFrame:
        """One row per sample, columns as the fields of a record; `correct` is pandas' nullable boolean.

        >>> from interp.demo import planted
        >>> planted()[1].table()[["id", "text", "correct"]].head(2)
           id              text  correct
        0  q0  It is in Town 0.    False
        1  q1  It is in Town 1.    False
        """
        columns = {name: pd.Series(values, dtype=object) for name, values in self._columns().items()}
        kinds = {"correct": "boolean", "near_ties": "Int64"}
        return pd.DataFrame(columns).astype({name: kind for name, kind in kinds.items() if name in columns})

    def _by_sample(self) -> dict[str, list[Any]]:
        """The fields that hold one entry per sample."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]
        return {name: value for name, value in values.items() if isinstance(value, list)}

    def _columns(self) -> dict[str, list[Any]]:
        return self._by_sample() | ({} if self.judgement is None else {"judge": self.judgement.records()})
