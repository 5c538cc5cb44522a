"""Logs of other tools among what is read: recognised by their first record, and read whole."""

from collections.abc import Iterable, Iterator
from itertools import chain

from interp.data.batch_logs import batch_rows, is_request, is_response
from interp.data.llmsknow_answers import is_llmsknow, llmsknow_rows
from interp.data.lm_eval_logs import is_lm_eval, lm_eval_rows
from interp.data.log_record import LogRecord
from interp.data.record import Record
from interp.errors import DataError

LOGS = (
    (is_lm_eval, lm_eval_rows),
    (is_response, batch_rows),
    (is_request, batch_rows),
    (is_llmsknow, llmsknow_rows),
)
"""What a record looks like, and how all records are read if the first does."""


def with_logs(records: Iterable[Record]) -> Iterator[Record]:
    """The records, those of a log as rows; anything else as it is."""
    records = iter(records)
    first = next(records, None)
    if first is None:
        return
    rows = chain([first], records)
    read = next((read for known, read in LOGS if not isinstance(first[1], LogRecord) and known(first[1])), None)
    yield from _no_batch_inside(rows) if read is None else read(rows)


def _no_batch_inside(records: Iterable[Record]) -> Iterator[Record]:
    """Records as they are; a batch that begins among rows would be read as rows without questions."""
    for where, values in records:
        if not isinstance(values, LogRecord) and (is_response(values) or is_request(values)):
            raise DataError(f"{where}: a batch's records stand after others; give its files, or its records first")
        yield where, values
