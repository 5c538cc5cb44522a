"""A plan in words: what a run will take, and what should be mended before it begins."""

from collections.abc import Mapping, Sequence
from typing import Any

from interp.support.units import duration, gigabytes

SHOWN_IDS = 3


def plan_text(plan: Mapping[str, Any], warnings: Sequence[str]) -> str:
    """Every line of a plan; `plan` holds the fields of `interp.Plan`."""
    shortest, median, longest = plan["prompt_tokens"]
    lines = [f"{plan['rows']} rows, {plan['answered']} to be answered; {rows_left_out(plan)} left out"]
    lines += [f"  {status}: {len(ids)} ({_some(ids)})" for status, ids in plan["excluded"].items() if ids]
    lines += [f"  read as {form}: {count}" for form, count in plan["read_as"].items()]
    lines.append(f"prompts: {shortest} to {longest} tokens, median {median}")
    if plan["shared_prefix"]:
        lines.append(
            f"  {plan['shared_prefix']} tokens are common to all and run once; each pass saves {plan['saved_tokens']:,}"
        )
    lines.append(f"batches: {plan['batches']['answering']} answering, {plan['batches']['capturing']} capturing")
    shards = f"{plan['shards']} shard{'' if plan['shards'] == 1 else 's'}"
    lines.append(f"disk: at most {gigabytes(plan['disk'])} in {shards}; {room_left(plan['free'])}")
    lines += _conversion_lines(plan["conversion"])
    memory = {name: gigabytes(size) for name, size in plan["memory"].items()}
    lines.append(
        f"memory (estimate): {memory['capturing']} while capturing, of which weights {memory['weights']}; "
        f"{memory['probing']} while probing, for each worker"
    )
    if plan["seconds"] is None:
        lines.append(f"time: {untimed(plan['timed_on'])}")
    else:
        parts = ", ".join(f"{name} {duration(value)}" for name, value in plan["seconds"].items())
        lines.append(f"time (estimate): {parts}; figures and report come on top")
        lines.append(f"  {plan['timed_on']}")
    lines += plan["machines"]
    if plan["exact_answer"]:
        lines.append(plan["exact_answer"])
    return "\n".join([*lines, *(f"warning: {sentence}" for sentence in warnings)])


def plan_warnings(plan: Mapping[str, Any], usable: int) -> list[str]:
    """What should be mended before the run begins, beside the plan's notes; `usable`: bytes this process may fill."""
    out = []
    if plan["free"] is not None and plan["disk"] > plan["free"]:
        out.append(f"the activations need {gigabytes(plan['disk'])}, but {gigabytes(plan['free'])} are free")
    if plan["on_cpu"] and (peak := max(plan["memory"].values())) > usable:
        out.append(f"a step needs {gigabytes(peak)} of memory, but this process may use {gigabytes(usable)}")
    out += _conversion_warnings(plan["conversion"], usable)
    if rows_left_out(plan) == plan["rows"]:
        out.append("no row is left")
    return out


def machine_sentences(engine: str, share: tuple[str, int] | None, store: object) -> tuple[str, ...]:
    """What changes with an engine, a share (`i/N` and N) and a store of activations; nothing for one machine."""
    told = []
    if engine == "ray":
        told.append(
            "on Ray: the times of answering and capturing are those of one worker, to be divided by how many the "
            "cluster has room for; each of them holds the weights, as this process does"
        )
    if share is not None:
        told.append(
            f"share {share[0]}: the times of answering and capturing are those of this task, one part in {share[1]}; "
            "rows, batches and disk are of all tasks together, and `interp gather` fits the grids, on one machine"
        )
    if store is not None:
        told.append(f"activations: kept at {store}, so that this disk needs no room for them")
    return tuple(told)


def room_left(free: int | None) -> str:
    """What the disk has left, or that it is not asked for."""
    return "in a store" if free is None else f"{gigabytes(free)} free"


def rows_left_out(plan: Mapping[str, Any]) -> int:
    """How many rows of a plan stay out of the grids."""
    return sum(map(len, plan["excluded"].values()))


def timed_on(rows: int, vectors: int, asking: Sequence[str]) -> str:
    """How the times of a plan were estimated; `asking` are the models, beside the run's own, that are not in them."""
    how = (
        f"from {rows} rows answered and captured in one batch, and a few cells of each grid probed on {vectors} "
        "vectors drawn at random, on this machine as busy as it is now"
    )
    return f"{how}; what the {' and the '.join(asking)} will take is not in it" if asking else how


CONVERTS_FIRST = "that would convert the GGUF file first; with --time (time=True) it is converted, and kept"


def untimed(why: str) -> str:
    """What stands for the times of a plan that has none."""
    return f"not estimated ({why})" if why else "not estimated"


def of_rows_tried(rows: int, sentences: Sequence[str]) -> tuple[str, ...]:
    """What was seen of the answers that were timed, as sentences of `interp.reporting.notes` say it."""
    return tuple(f"of {rows} rows tried: {one[:1].lower()}{one[1:]}" for one in sentences)


def _conversion_lines(taken: Mapping[str, int] | None) -> list[str]:
    """What the conversion of a GGUF file takes; nothing where there is none."""
    if taken is None:
        return []
    disk, free, memory = (gigabytes(taken[name]) for name in ("disk", "free", "memory"))
    return [
        f"conversion of the GGUF file, once: {disk} in the cache, where {free} are free; {memory} of memory (estimate)"
    ]


def _conversion_warnings(taken: Mapping[str, int] | None, usable: int) -> list[str]:
    """Where the conversion of a GGUF file finds too little room."""
    out = []
    if taken is not None and taken["disk"] > taken["free"]:
        disk, free = gigabytes(taken["disk"]), gigabytes(taken["free"])
        out.append(f"the converted GGUF file needs {disk}, but {free} are free: set INTERP_CACHE to another folder")
    if taken is not None and taken["memory"] > usable:
        memory, held = gigabytes(taken["memory"]), gigabytes(usable)
        out.append(f"converting the GGUF file needs {memory} of memory, but this process may use {held}")
    return out


def _some(ids: Sequence[str]) -> str:
    return ", ".join(ids[:SHOWN_IDS]) + (" …" if len(ids) > SHOWN_IDS else "")
