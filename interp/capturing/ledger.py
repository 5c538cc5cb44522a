"""The position ledger: what stands at every sample's roles, and why a role is absent, for people to check."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Bool, Int, Shaped

from interp.capturing.pool import Span
from interp.capturing.roles import Sample
from interp.errors import RunError
from interp.support.csv_text import csv_text
from interp.support.stored import MOST_TABLE, parse_json, read_text

COLUMNS = ("sample", "role", "index", "token_id", "text", "valid", "reason", "to_end")
UNKNOWN = "not recorded"


@dataclass(frozen=True)
class Ledger:
    """Token, text and reason per sample and role, beside the indices of `Positions`."""

    sample: Shaped[np.ndarray, " sample"]
    """Ids of the samples."""
    token_id: Int[np.ndarray, "sample role"]
    """-1 where the role is absent, or the id is not known; of a pooled role the last token's."""
    text: Shaped[np.ndarray, "sample role"]
    """The characters that the role's tokens cover (definitions: a sample); None: role absent, or no tokenizer."""
    reason: Shaped[np.ndarray, "sample role"]
    """Why the role is absent, in words; empty where it is there."""

    @classmethod
    def of(cls, found: Iterable[tuple[Sample, Sequence[Span | str]]], n: int, n_roles: int) -> "Ledger":
        """From what `locate` found in `n` samples: for every role its tokens, or the reason why there are none."""
        shape = (n, n_roles)
        ids = np.full(n, None, dtype=object)
        token_id, text = np.full(shape, -1), np.full(shape, None, dtype=object)
        reason = np.full(shape, "", dtype=object)
        for i, (sample, row) in enumerate(found):
            ids[i] = sample.id
            spans = [span for span in row if not isinstance(span, str)]
            earliest = min((first for first, _ in spans), default=0)
            covered = sample.text_from(earliest) if spans and sample.decode is not None else None
            for j, span in enumerate(row):
                if isinstance(span, str):
                    reason[i, j] = span
                    continue
                first, last = span
                token_id[i, j] = sample.ids[last]
                if covered is not None:
                    text[i, j] = covered.text[covered.characters(first)[0] : covered.characters(last)[1]]
        return cls(ids, token_id, text, reason)

    @classmethod
    def unknown(cls, valid: Bool[np.ndarray, "sample role"]) -> "Ledger":
        """For positions that were made by hand: samples are numbered, nothing else is known."""
        return cls(
            np.array([str(i) for i in range(len(valid))], dtype=object),
            np.full(valid.shape, -1),
            np.full(valid.shape, None, dtype=object),
            np.where(valid, "", UNKNOWN).astype(object),
        )

    def __repr__(self) -> str:
        """In one line: how large it is."""
        return f"Ledger({len(self.sample)} samples, {self.reason.shape[1]} roles)"

    def __getitem__(self, samples: Sequence[int]) -> "Ledger":
        """The ledger of some samples, in that order."""
        return Ledger(self.sample[samples], self.token_id[samples], self.text[samples], self.reason[samples])

    def table(
        self,
        roles: Sequence[str],
        index: Int[np.ndarray, "sample role"],
        n: Int[np.ndarray, " sample"],
        first: Int[np.ndarray, "sample role"] | None = None,
    ) -> pd.DataFrame:
        """One row per sample and role (see `Positions.table`); `first`: where some are pooled."""
        valid = index >= 0
        columns = {
            "sample": _objects(np.repeat(self.sample, len(roles))),
            "role": _objects(np.tile(np.array(roles, dtype=object), len(self.sample))),
            "index": _optional(index, valid),
            "token_id": _optional(self.token_id, self.token_id >= 0),
            "text": _objects(self.text),
            "valid": valid.ravel(),
            "reason": _objects(self.reason),
            "to_end": _optional(n[:, None] - 1 - index, valid),
        }
        table = pd.DataFrame({name: columns[name] for name in COLUMNS})
        if first is not None:
            table.insert(COLUMNS.index("index"), "first", _optional(first, valid))
        return table


def _objects(values: Shaped[np.ndarray, "..."]) -> pd.Series:
    """Texts as they are: pandas' own type for text turns None into NaN."""
    return pd.Series(values.ravel(), dtype=object)


def _optional(values: Int[np.ndarray, "sample role"], known: Bool[np.ndarray, "sample role"]) -> pd.Series:
    return pd.Series(values.ravel(), dtype="Int64").where(known.ravel())


def ledger_csv(table: pd.DataFrame) -> str:
    """The table as CSV: token texts as JSON strings (their blanks and line breaks show, and none can be a formula)."""
    written = table.assign(
        sample=table["sample"].map(_name),
        text=table["text"].map(lambda text: "" if text is None else json.dumps(text, ensure_ascii=False)),
        valid=table["valid"].astype(int),
    )
    return csv_text(written)


def _name(name: str) -> str:
    """A sample's id as a cell: without a character that a reader of CSV takes for the end of a line."""
    return name if name.isprintable() else json.dumps(name)


def read_ledger(path: Path, ids: Sequence[str], n_roles: int) -> Ledger:
    """The ledger of a run from its `positions.csv`. Raises RunError if the file does not fit the samples."""
    try:
        table = pd.read_csv(StringIO(read_text(path, MOST_TABLE)), dtype=str, keep_default_na=False, na_values=[])
        shape = (len(ids), n_roles)
        return Ledger(
            np.array(list(ids), dtype=object),
            np.array([int(token or -1) for token in table["token_id"]]).reshape(shape),
            np.array([_covered(text) for text in table["text"]], dtype=object).reshape(shape),
            table["reason"].to_numpy(dtype=object).reshape(shape),
        )
    except (OSError, ValueError, KeyError, OverflowError) as error:
        raise RunError(f"{path} does not hold the positions of this run ({error}); restore it or run again") from error


def _covered(cell: str) -> str | None:
    text = parse_json(cell) if cell else None
    if text is None or isinstance(text, str):
        return text
    raise ValueError(f"a text is none: {cell[:40]}")
