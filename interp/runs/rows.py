"""Which rows a run asks, and what their data set fills into its settings."""

import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from interp.capturing.roles import ROLES
from interp.data.datasets import dataset, load_dataset
from interp.data.rows import Rows, load_rows
from interp.errors import DataError, InterpError, RunError
from interp.generating.chat import has_template
from interp.models.backends.kinds import is_kind
from interp.models.loading import HookedModel, load_model
from interp.runs.settings import Settings

IN_PYTHON = "rows given in Python"
HUB = "Hugging Face hub"


def data_source(data: Any, options: Mapping[str, Any]) -> str:
    """How the settings name the data: a path, the hub, or that rows were given in Python."""
    if data is None and options.get("dataset") is None:
        raise DataError("there is no data: give a file or rows (data, --data), or the name of a data set (--dataset)")
    if data is None:
        return HUB
    return str(data) if isinstance(data, str | Path) else IN_PYTHON


def filled_in(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options of a run, with those that its data set decides where the user did not; the prompt comes later."""
    given = {name: value for name, value in options.items() if value is not None}
    if "dataset" not in given:
        return given
    preset = dataset(given["dataset"]).options(chat=True)
    own = {name: preset[name] for name in ("correct", "exact_answer", "max_new_tokens", "roles")}
    if {"candidates", "answer_pattern"} & set(given):
        del own["exact_answer"]  # they imply a method
    if isinstance(given.get("roles"), Mapping):  # adds to the columns of the data set
        given["roles"] = (*(own["roles"] or ROLES), *given["roles"].items())
    return {name: value for name, value in own.items() if value is not None} | given


def fitting_options(rows: Rows, options: Mapping[str, Any]) -> dict[str, Any]:
    """What the published form of the rows decides (a choice, a number) where neither user nor data set did."""
    given = {name for name, value in options.items() if value is not None}
    if "dataset" in given:
        return {}
    implied = {"exact_answer"} if {"candidates", "answer_pattern"} & given else set()
    return {name: value for name, value in rows.run_options.items() if name not in given | implied}


def model_source(settings: Settings, model: Any = None) -> Any:
    """The model of a run that goes on: the one given, else the one that the settings name.

    Raises RunError if the run was given a loaded model, of which the settings keep the name of its class only.
    """
    if model is None and is_kind(settings.model):
        raise RunError(f"this run was given a loaded {settings.model}: give it again in Python, as model=…")
    return settings.model if model is None else model


def load_settings_model(settings: Settings, model: Any, *, sites: Sequence[str] | None = None) -> HookedModel:
    """The model as the settings have it loaded, checked at the sites that will be captured (default: theirs)."""
    return load_model(
        model,
        device=settings.device,
        dtype=settings.dtype,
        processed_weights=settings.processed_weights,
        sites=settings.sites if sites is None else sites,
    )


def read_rows(settings: Settings, data: Any = None) -> Rows:
    """The rows of a run: those given in Python, else what the settings name; past a limit, those that can be read."""
    rows = _read(settings, data, settings.limit)
    source = settings.data if data is None else data
    again = Path(source).expanduser().exists() if isinstance(source, str | Path) else isinstance(source, Sequence)
    if settings.limit is not None and len(rows) == settings.limit and again:
        with suppress(InterpError), warnings.catch_warnings():  # a row that nobody asks may be wrong
            warnings.simplefilter("ignore")
            rows.beyond = _read(settings, data, None)[settings.limit :]
    return rows


def _read(settings: Settings, data: Any, limit: int | None) -> Rows:
    some: dict[str, Any] = {"limit": limit, "skip_unanswerable": settings.skip_unanswerable}
    if data is not None and not isinstance(data, str | Path):
        return load_rows(data, columns=settings.columns, **some)
    path = settings.data if data is None else data
    if settings.dataset is None:
        return load_rows(path, columns=settings.columns, **some)
    file = None if path == HUB else path
    return load_dataset(settings.dataset, file, chat=settings.chat is not False, **some)


def asked(settings: Settings, rows: Rows, data: Any, tokenizer: Any) -> tuple[Settings, Rows]:
    """Settings and rows with the data set's prompt: a chat where the tokenizer has a template, else the base form."""
    if settings.dataset is None:
        return settings, rows
    chat = has_template(tokenizer) and settings.prompt_template is None if settings.chat is None else settings.chat
    form = dataset(settings.dataset).options(chat=chat)
    settings = replace(
        settings,
        chat=chat,
        prompt_template=form["prompt_template"] if settings.prompt_template is None else settings.prompt_template,
        stop=settings.stop or form["stop"],
    )
    # A base model is asked some questions in other words; rows given in Python are asked as they are.
    return settings, rows if chat or settings.data == IN_PYTHON else read_rows(settings, data)
