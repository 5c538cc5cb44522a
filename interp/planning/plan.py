"""plan: what a run will take, and which rows it will leave out, before it is paid for."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from interp.answering.answers import own_completion
from interp.answering.generation import MAX_SAMPLES
from interp.answering.labelling_models import split_given
from interp.answering.prompts import PromptFormat, row_ids
from interp.answering.sampling import sampled_rows
from interp.arguments import flag, path
from interp.capturing.role_text import split_roles
from interp.capturing.segments import MIN_PREFIX
from interp.data.rows import QARow
from interp.errors import RunError
from interp.models.batches import common_prefix, plan_batches
from interp.models.loading import model_tokenizer, read_config
from interp.planning.footprint import disk_bytes, free_bytes, gigabytes, memory_bytes
from interp.planning.shapes import Shapes
from interp.run_data import asked, data_source, filled_in, load_settings_model, read_rows
from interp.runs.shards import SHARD_SAMPLES
from interp.settings import Settings, check_options


@dataclass(frozen=True)
class Plan:
    """What a run will take; `print(plan)` says it in words. Sizes in bytes, times in seconds, lengths in tokens."""

    rows: int
    excluded: dict[str, tuple[str, ...]]
    """{status: ids} of rows that can be seen now to stay out of the grids: `too_long`, and `empty` completions."""
    answered: int
    """Rows that the model has to answer; the others bring a completion."""
    prompt_tokens: tuple[int, int, int]
    """Shortest, median and longest prompt."""
    shared_prefix: int
    """Tokens that all prompts begin with; they run once."""
    saved_tokens: int
    """What that saves in each of the two passes, answering and capture."""
    batches: dict[str, int]
    """Batches of answering and of capturing, at the longest completions allowed."""
    shards: int
    disk: int
    """Of the activations: exact, but for rows whose completion turns out empty."""
    free: int
    memory: dict[str, int]
    """Peak while capturing and while probing, and the weights alone: estimates of `interp.planning.footprint`."""
    seconds: dict[str, float] | None
    """Answering, capturing and probing; None: not timed."""
    timed_on: str = ""
    """How the times were estimated."""

    @property
    def warnings(self) -> list[str]:
        """What should be mended before the run begins."""
        out = []
        if self.disk > self.free:
            out.append(f"the activations need {gigabytes(self.disk)}, but {gigabytes(self.free)} are free")
        if sum(map(len, self.excluded.values())) == self.rows:
            out.append("no row is left")
        return out

    def __str__(self) -> str:
        shortest, median, longest = self.prompt_tokens
        left_out = sum(map(len, self.excluded.values()))
        lines = [f"{self.rows} rows, {self.answered} to be answered; {left_out} left out"]
        lines += [f"  {status}: {len(ids)} ({_some(ids)})" for status, ids in self.excluded.items() if ids]
        lines.append(f"prompts: {shortest} to {longest} tokens, median {median}")
        if self.shared_prefix:
            lines.append(
                f"  {self.shared_prefix} tokens are common to all and run once; each pass saves {self.saved_tokens:,}"
            )
        lines.append(f"batches: {self.batches['answering']} answering, {self.batches['capturing']} capturing")
        lines.append(f"disk: {gigabytes(self.disk)} in {self.shards} shards; {gigabytes(self.free)} free")
        memory = {name: gigabytes(size) for name, size in self.memory.items()}
        lines.append(
            f"memory (estimate): {memory['capturing']} while capturing, of which weights {memory['weights']}; "
            f"{memory['probing']} while probing, for each worker"
        )
        if self.seconds is None:
            lines.append("time: not estimated")
        else:
            parts = ", ".join(f"{name} {_duration(value)}" for name, value in self.seconds.items())
            lines.append(f"time (estimate): {parts}; figures and report come on top")
            lines.append(f"  {self.timed_on}")
        return "\n".join([*lines, *(f"warning: {sentence}" for sentence in self.warnings)])


def plan(
    *,
    model: Any,
    data: str | Path | Iterable[QARow | Mapping[str, Any]] | None = None,
    out: str | Path = ".",
    time: bool = True,
    **options: Any,
) -> Plan:
    """What `interp.run` with the same arguments will take; nothing is written.

    `time=True` loads the model, answers and captures a few rows and probes a few cells; `time=False` needs only the
    configuration and the tokenizer of a model that is named, and reads no weights. The disk is computed from shapes,
    excluded rows by the run's own rules; memory and time are estimates.

    Raises what `run` would raise: DataError for rows or settings that do not fit, ModelError for the model.
    """
    check_options("plan", options, "out", "time")
    out, time = path("out", out, error=RunError), flag("time", time)
    source = data_source(data, options)
    options, given = split_given(filled_in(options))
    options, given["roles"] = split_roles(options)
    named = isinstance(model, (str, Path))
    settings = Settings(model=str(model) if named else type(model).__name__, data=source, **options)
    rows = read_rows(settings, data)
    if time or not named:
        hooked = load_settings_model(settings, model)
        shapes, tokenizer = Shapes.of_model(hooked), model_tokenizer(hooked)
    else:
        config, tokenizer = read_config(model)
        shapes = Shapes.of_config(config, settings.dtype)
    settings, rows = asked(settings, rows, data, tokenizer)
    asked_rows = sampled_rows(rows, settings.samples_per_question)
    counted = _counted(asked_rows, settings, shapes, tokenizer, out)
    if not time:
        return Plan(**counted, seconds=None)

    from interp.planning.timing import TIMED_CELL, TIMED_SAMPLES, time_model, time_probes

    left_out = {id for ids in counted["excluded"].values() for id in ids}
    usable = sorted((row for row in asked_rows if row.id not in left_out), key=lambda row: len(row.question))
    if not usable:
        return Plan(**counted, seconds=None)
    places = np.unique(np.linspace(0, len(usable) - 1, TIMED_SAMPLES).astype(int))
    seconds = time_model(hooked, [usable[i] for i in places], settings, len(usable), counted["batches"]["answering"])
    seconds["probing"] = time_probes(shapes, settings, len(usable))
    how = (
        f"from {len(places)} rows answered and captured in one batch, and a few cells of each grid probed on "
        f"{min(len(usable), TIMED_CELL)} vectors drawn at random, on this machine as busy as it is now"
    )
    return Plan(**counted, seconds=seconds, timed_on=how)


def _counted(rows: list[QARow], settings: Settings, shapes: Shapes, tokenizer: Any, out: Path) -> dict[str, Any]:
    """Everything that needs no model: the rows by the rules of `generate_answers`, batches and sizes."""
    form = PromptFormat(settings.prompt_template, settings.chat)
    prompts = [row_ids(row, form.text(row, tokenizer), tokenizer) for row in rows]
    own = [own_completion(row, tokenizer) for row in rows]
    length = [len(p) + (settings.max_new_tokens if o is None else len(o)) for p, o in zip(prompts, own, strict=True)]
    status = [
        "too_long" if n > shapes.n_ctx else "empty" if o == [] else "ok" for n, o in zip(length, own, strict=True)
    ]
    waiting = [i for i, o in enumerate(own) if o is None and prompts[i] and status[i] != "too_long"]
    captured = [i for i, n in enumerate(length) if n > 0 and status[i] != "too_long"]
    prefix = len(common_prefix(prompts[i][:-1] for i in captured)) if len(captured) > 1 else 0
    prefix = prefix if prefix >= MIN_PREFIX else 0
    together = (tuple(prompts[i][:-1]) for i in captured)
    batches = plan_batches([length[i] for i in captured], settings.batch_tokens, together=together)
    shards: list[list[str]] = [[]]
    for batch in batches:
        if len(shards[-1]) >= SHARD_SAMPLES:
            shards.append([])
        shards[-1] += [rows[captured[i]].id for i in batch]
    counts = sorted(map(len, prompts))
    excluded: dict[str, list[str]] = {name: [] for name in ("too_long", "empty")}
    for row, what in zip(rows, status, strict=True):
        excluded.get(what, []).append(row.id)
    return {
        "rows": len(rows),
        "excluded": {name: tuple(ids) for name, ids in excluded.items()},
        "answered": len(waiting),
        "prompt_tokens": (counts[0], counts[len(counts) // 2], counts[-1]),
        "shared_prefix": prefix,
        "saved_tokens": prefix * max(0, len(captured) - 1),
        "batches": {
            "answering": len(
                plan_batches([length[i] for i in waiting], settings.batch_tokens, max_samples=MAX_SAMPLES)
            ),
            "capturing": len(batches),
        },
        "shards": len(shards) if captured else 0,
        "disk": disk_bytes(shapes, settings.sites, settings.roles, shards) if captured else 0,
        "free": free_bytes(out),
        "memory": memory_bytes(
            shapes,
            settings.sites,
            len(settings.roles),
            batch_tokens=settings.batch_tokens,
            longest=max((length[i] for i in captured), default=1),
            samples=len(captured),
        ),
    }


def _some(ids: tuple[str, ...]) -> str:
    return ", ".join(ids[:3]) + (" …" if len(ids) > 3 else "")


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.3g} min" if seconds < 5400 else f"{seconds / 3600:.3g} h"
