"""The model of a run, loaded again when an experiment first needs it, and refused if it is another."""

from collections.abc import Callable
from typing import Any

from interp.errors import RunError
from interp.grids.of_run import RunLike
from interp.running.record import describe_model
from interp.runs.rows import load_settings_model, model_source
from interp.runs.settings import Settings
from interp.support.atomic import plain


def loader_of_run(run: RunLike, model: Any) -> Callable[[], Any] | None:
    """Loads the run's own model as it was loaded then, and makes sure that it is the same; None if not wanted."""
    if model is False:
        return None

    def load() -> Any:
        settings = Settings.from_json(run.record["settings"])
        source = model_source(settings, None if isinstance(model, bool) else model)
        hooked = load_settings_model(settings, source)
        then, now = run.record["model"]["weights_sha256"], plain(describe_model(hooked))["weights_sha256"]
        if then != now:
            raise RunError(f"{run.name}: the model changed since the run ({then} then, {now} now)")
        return hooked

    return load
