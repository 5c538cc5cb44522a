"""plan: what a run will take, and which rows it will leave out, before it is paid for."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from typing_extensions import Unpack

from interp.capturing.role_text import restored_roles
from interp.capturing.segments import MIN_PREFIX
from interp.data.rows import QARow
from interp.engines.asked import check_engine
from interp.engines.share import Share
from interp.errors import RunError
from interp.generating.generation import MAX_SAMPLES
from interp.labelling.correctness import JUDGE
from interp.labelling.generate_answers import check_vocabulary, own_completion
from interp.models.batches import common_prefix, plan_batches
from interp.models.loading import conversion_of, model_tokenizer, read_config
from interp.models.placement import read_dtype
from interp.models.thread_choice import worthwhile_threads
from interp.planning.footprint import free_bytes, memory_bytes, most_bytes
from interp.planning.plan_html import plan_html
from interp.planning.request import Request
from interp.planning.shapes import Shapes
from interp.reporting.beforehand import brought_sentences, method_sentence, prompt_sentences
from interp.reporting.notes import length_warnings, thought_warnings
from interp.reporting.plan_words import (
    CONVERTS_FIRST,
    machine_sentences,
    of_rows_tried,
    plan_text,
    plan_warnings,
    rows_left_out,
    timed_on,
)
from interp.runs.keywords import RUN_DEFAULTS, RunOptions
from interp.runs.rows import load_settings_model
from interp.runs.settings import Settings
from interp.storing.remote import RemotePath
from interp.storing.shards import SHARD_SAMPLES
from interp.support.accepted import ModelSource, RowSource
from interp.support.arguments import flag, path
from interp.support.machine import usable_memory
from interp.support.public import public
from interp.support.shown_options import shows_options
from interp.support.threads import torch_threads
from interp.support.units import gigabytes


@public
@dataclass(frozen=True)
class Plan:
    """What a run will take; `print(plan)` says it in words. Sizes in bytes, times in seconds, lengths in tokens.

    >>> from interp import demo
    >>> plan = interp.plan(model=demo.model_path(), data=demo.questions_path(), out="runs/next", time=False)
    >>> plan.rows
    840
    """

    rows: int
    """Samples asked for: rows, times the answers to each."""
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
    """At most: every shard but the last holds 64 samples or more, as the lengths of the answers will have it."""
    disk: int
    """Of the activations, at most: the samples' own numbers are exact, what each shard adds is counted for `shards`."""
    free: int | None
    """What the disk has left; None: the activations go to a store behind a URL, whose room is not known."""
    memory: dict[str, int]
    """Peak while capturing and while probing, and the weights alone: estimates of `interp.planning.footprint`."""
    seconds: dict[str, float] | None
    """Answering, capturing and probing; None: not timed."""
    timed_on: str = ""
    """How the times were estimated, or why they were not."""
    exact_answer: str = ""
    """How exact answers will be looked for, and why; "" where the user said."""
    notes: tuple[str, ...] = ()
    """What the chat template has to say about this run."""
    read_as: dict[str, int] = field(default_factory=dict)
    """{published form: rows} of what was recognised in the data, beside plain questions and answers."""
    on_cpu: bool = False
    """Whether the model is to run on the CPU, so that its memory is this machine's."""
    conversion: dict[str, int] | None = None
    """Memory (an estimate), disk and free room of the conversion of a GGUF file; None where none is to be made."""
    machines: tuple[str, ...] = ()
    """What an array of tasks, a cluster or a store changes: whose the times are, and where the room is taken."""

    def __repr__(self) -> str:
        """In one line: how many rows, and what is large."""
        left_out = rows_left_out(vars(self))
        return f"Plan({self.rows} rows, {left_out} left out; disk {gigabytes(self.disk)}; print it for everything)"

    def _repr_html_(self) -> str:
        """In a notebook: what should be mended, then rows, room and time."""
        return plan_html(self)

    @property
    def warnings(self) -> list[str]:
        """What should be mended before the run begins."""
        return [*plan_warnings(vars(self), usable_memory()), *self.notes]

    def __str__(self) -> str:
        return plan_text(vars(self), self.warnings)


@public
@shows_options(RunOptions, RUN_DEFAULTS)
def plan(
    *,
    model: ModelSource,
    data: RowSource | None = None,
    out: str | Path | None = None,
    time: bool | None = None,
    engine: str = "local",
    address: str | None = None,
    shard: str | None = None,
    activations: str | None = None,
    **options: Unpack[RunOptions],
) -> Plan:
    """What `interp.run` with the same arguments will take; nothing is written.

    `time=True` loads the model, answers and captures a few rows and probes a few cells; `time=False` needs only the
    configuration and the tokenizer of a model that is named, and reads no weights; None is True unless a GGUF file
    would have to be converted first. With `shard` the times of answering and capturing are this task's. Without `out`
    the free room is that of the working folder. Disk is an upper bound computed from shapes, excluded rows go by the
    run's own rules; memory and time are estimates.

    Raises what `run` would raise: DataError for rows or settings that do not fit, ModelError for the model, RunError
    for a folder in use. Too little room, which `run` refuses, is a warning here: the plan says how much is needed.

    >>> from interp import demo
    >>> plan = interp.plan(model=demo.model_path(), data=demo.questions_path(), out="runs/next", time=False)
    >>> plan.rows
    840
    """
    out, time = None if out is None else path("out", out, error=RunError), None if time is None else flag("time", time)
    check_engine(engine, address, model)
    share = None if shard is None else Share.read(shard)
    store = None if activations is None else RemotePath.read(activations)
    request = Request.of(model=model, data=data, out=out if share is None else None, options=options)
    settings = request.settings
    converted = conversion_of(model, read_dtype(settings.dtype)) if isinstance(model, (str, Path)) else None
    unread = time is None and converted is not None
    time = not unread if time is None else time
    if time or not isinstance(model, (str, Path)):
        hooked = load_settings_model(settings, model)
        shapes, tokenizer = Shapes.of_model(hooked), model_tokenizer(hooked)
    else:
        hooked, (config, tokenizer) = None, read_config(model)
        shapes = Shapes.of_config(config, settings.dtype)
    request = request.with_tokenizer(tokenizer, n_ctx=shapes.n_ctx)
    settings, asked_rows = request.settings, request.samples
    counted = _counted(asked_rows, settings, shapes, tokenizer, Path("." if out is None else out))
    counted["exact_answer"] = "" if request.choice is None else method_sentence(request.choice)
    checks = request.prompt_checks(tokenizer, hooked)
    counted["notes"] = (*prompt_sentences(checks), *brought_sentences(checks))
    counted["read_as"] = request.rows.read_as
    counted["conversion"] = None if converted is None else converted._asdict()
    counted["machines"] = machine_sentences(engine, None if share is None else (str(share), share.of), store)
    if store is not None:
        counted["free"] = None
    if not time:
        return Plan(**counted, seconds=None, timed_on=CONVERTS_FIRST if unread else "")

    from interp.planning.timing import TIMED_CELL, TIMED_SAMPLES, time_model, time_probes

    left_out = {id for ids in counted["excluded"].values() for id in ids}
    usable = sorted((row for row in asked_rows if row.id not in left_out), key=lambda row: len(row.question))
    if not usable:
        return Plan(**counted, seconds=None)
    places = np.unique(np.linspace(0, len(usable) - 1, TIMED_SAMPLES).astype(int))
    timed = [usable[i] for i in places]
    roles = restored_roles(settings.roles, request.objects["roles"])
    with torch_threads(settings.threads or worthwhile_threads(hooked)):
        seconds, records = time_model(
            hooked, timed, settings, len(usable), counted["batches"]["answering"], roles=roles
        )
    unended = [*length_warnings(records, settings.max_new_tokens), *thought_warnings(records)]
    counted["notes"] += of_rows_tried(len(timed), unended)
    if share is not None:
        seconds = {step: took / share.of for step, took in seconds.items()}
    seconds["probing"] = time_probes(shapes, settings, len(usable))
    asks = {"judge": settings.correct == JUDGE, "extractor": settings.exact_answer == "extract"}
    asking = [name for name, is_asked in asks.items() if is_asked]
    how = timed_on(len(places), min(len(usable), TIMED_CELL), asking)
    return Plan(**counted, seconds=seconds, timed_on=how)


def _counted(rows: list[QARow], settings: Settings, shapes: Shapes, tokenizer: Any, out: Path) -> dict[str, Any]:
    """Everything that needs no model: the rows by the rules of `generate_answers`, batches and sizes."""
    form = settings.prompt_format
    prompts = [form.prompt(row, tokenizer).ids for row in rows]
    own = [own_completion(row, tokenizer) for row in rows]
    for row, *ids in zip(rows, prompts, own, strict=True):
        check_vocabulary(row, [token for part in ids for token in part or ()], shapes.d_vocab)
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
        "shards": math.ceil(len(captured) / SHARD_SAMPLES),
        "disk": most_bytes(shapes, settings.sites, settings.roles, [rows[i].id for i in captured]),
        "free": free_bytes(out),
        "on_cpu": settings.device == "cpu",
        "memory": memory_bytes(
            shapes,
            settings.sites,
            len(settings.roles),
            batch_tokens=settings.batch_tokens,
            longest=max((length[i] for i in captured), default=1),
            samples=len(captured),
        ),
    }
