"""Which fields of a row a log's record gives, with what the user says in `columns`."""

from collections.abc import Mapping

from interp.data.forms import Reading, read_form
from interp.data.log_record import GRADES, RULE, LogRecord
from interp.errors import DataError
from interp.support.messages import shown


def read_log(where: str, record: LogRecord, columns: Mapping[str, str], *, keys_from: int = 0) -> Reading:
    """The fields of one sample, its label the score that `columns` names, else the only one that can be one.

    Raises DataError where several can, or the one that was named is more than right and wrong.
    """
    if record.left_out is not None:
        return Reading(left_out=record.left_out)
    if record.missing is not None and not set(record.missing.fields) & set(columns):
        raise DataError(f"{where}: {record.missing.remedy}")
    base = read_form(where, record, columns, keys_from=keys_from) if record.joined else Reading()
    own = {name: value for name, value in record.fields.items() if name not in columns}
    form = f"{record.form}; the questions: {base.form}" if base.form else record.form
    if not record.labels and "correct" not in columns:
        return Reading(form, {**base.fields, **own}, base.run_options, base.answer_in, base.no_answer)
    name = columns.get("correct")
    if name is None and len(record.labels) > 1:
        raise DataError(
            f"{where}: the log has several scores that may say whether an answer is right: {', '.join(record.labels)}; "
            f"choose one with columns={{'correct': {record.labels[0]!r}}} (--columns correct={record.labels[0]}), or "
            f"{RULE!r} for the run's own rule"
        )
    name = record.labels[0] if name is None else name
    if record.joined or name == RULE:
        return Reading(form, {**base.fields, **own}, base.run_options, base.answer_in, base.no_answer)
    score = record.get(name)
    if score is None or (isinstance(score, str) and score in GRADES):
        return Reading(left_out=f"without a score of {name}" if score is None else f"scored {score} ({GRADES[score]})")
    if not isinstance(score, int | float) or score not in (0, 1):
        raise DataError(
            f"{where}: the score {name!r} is {shown(score)}, and only true and false (1 and 0) can be a label; choose "
            f"another, or {RULE!r} for the run's own rule: columns={{'correct': {RULE!r}}} (--columns correct={RULE})"
        )
    return Reading(f"{form}; correct={name}", {**base.fields, **own, "correct": score})
