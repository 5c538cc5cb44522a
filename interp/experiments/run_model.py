"""The model of a finished run, loaded again as it was loaded then; and its rows, read again."""

from collections.abc import Callable
from typing import Any

from interp.data.rows import QARow
from interp.errors import InterpError, RunError
from interp.grids.of_run import RunLike
from interp.models.loading import model_tokenizer
from interp.running.record import describe_model
from interp.runs.rows import asked, load_settings_model, model_source, read_rows
from interp.runs.settings import Settings
from interp.support.accepted import HookedModel
from interp.support.atomic import plain


def model_of_run(run: RunLike, model: Any = None) -> HookedModel:
    """The model that the run's record names, or the one given in its place.

    Raises RunError if its weights are not those that answered, or if it was given in Python and is not given again.
    """
    settings = Settings.from_json(run.record["settings"])
    hooked = load_settings_model(settings, model_source(settings, model))
    then, now = run.record["model"]["weights_sha256"], plain(describe_model(hooked))["weights_sha256"]
    if then != now:
        raise RunError(f"{run.name}: the model changed since the run ({then} then, {now} now)")
    return hooked


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
