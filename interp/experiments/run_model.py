"""The model of a finished run, loaded when it is first needed; and its rows, read again."""

from collections.abc import Callable
from typing import Any

from interp.data.rows import QARow
from interp.errors import InterpError
from interp.grids.of_run import RunLike
from interp.models.loading import model_tokenizer
from interp.runs.rows import asked, read_rows
from interp.runs.run_model import model_of_run
from interp.runs.settings import Settings
from interp.support.accepted import HookedModel


def loader_of_run(run: RunLike, model: Any) -> Callable[[], HookedModel] | None:
    """Loads it when it is first needed; None where no model is wanted (`model=False`)."""
    return None if model is False else lambda: model_of_run(run, None if isinstance(model, bool) else model)


def rows_of_run(run: RunLike, model: HookedModel) -> tuple[list[QARow], str]:
    """The rows that the run asked, and why there are none, if they cannot be read again."""
    settings = Settings.from_json(run.record["settings"])
    try:
        _, rows = asked(settings, read_rows(settings), None, model_tokenizer(model))
    except (InterpError, OSError) as error:
        return [], f"the run's rows cannot be read again ({error})"
    return list(rows), ""
