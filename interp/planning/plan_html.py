"""A Plan as a notebook shows it: what should be mended first, then rows, room and time."""

from typing import TYPE_CHECKING

from interp.reporting.plan_words import room_left, rows_left_out, untimed
from interp.support.html_repr import Html, box, facts, section, sentences, table
from interp.support.units import duration, gigabytes

if TYPE_CHECKING:
    from interp.planning.plan import Plan

IDS = 3
"""How many rows that are left out are named."""


def plan_html(plan: "Plan") -> str:
    """`Plan._repr_html_`."""
    left_out = rows_left_out(vars(plan))
    time = "not estimated" if plan.seconds is None else duration(sum(plan.seconds.values()))
    line = [f"{plan.rows} rows", f"{left_out} left out", f"disk {gigabytes(plan.disk)}", f"time {time}"]
    warnings = plan.warnings
    sections = [
        *([section("Warnings", sentences(warnings), note=len(warnings), opened=True)] if warnings else []),
        section("Rows", *_rows(plan), note=f"{plan.answered} to be answered"),
        section("Room", _room(plan), note=room_left(plan.free)),
        section("Time", *_time(plan), note=time),
    ]
    return box("Plan", line, sections)


def _rows(plan: "Plan") -> list[Html]:
    shortest, median, longest = plan.prompt_tokens
    rows: list[tuple[object, ...]] = [("rows", plan.rows, ""), ("to be answered", plan.answered, "")]
    for status, ids in plan.excluded.items():
        rows.append((status, len(ids), ", ".join(ids[:IDS]) + (" …" if len(ids) > IDS else "")))
    rows += [(f"read as {form}", count, "") for form, count in plan.read_as.items()]
    tokens = {
        "tokens of a prompt (shortest, median, longest)": f"{shortest}, {median}, {longest}",
        "tokens that all prompts begin with": plan.shared_prefix,
        "tokens that this saves in each pass": plan.saved_tokens,
        "batches of answering": plan.batches["answering"],
        "batches of capturing": plan.batches["capturing"],
    }
    told = [sentences([plan.exact_answer])] if plan.exact_answer else []
    return [table(("", "rows", "ids"), rows), facts(tokens), *told]


def _room(plan: "Plan") -> Html:
    room = {"disk (at most)": gigabytes(plan.disk), "shards (at most)": plan.shards}
    if plan.free is not None:
        room["free"] = gigabytes(plan.free)
    room |= {f"memory, {name} (estimate)": gigabytes(size) for name, size in plan.memory.items()}
    if plan.conversion is not None:
        room |= {f"conversion of the GGUF file, {name}": gigabytes(size) for name, size in plan.conversion.items()}
    return facts(room)


def _time(plan: "Plan") -> list[Html]:
    told = [sentences(plan.machines)] if plan.machines else []
    if plan.seconds is None:
        return [facts({"time": untimed(plan.timed_on)}), *told]
    return [facts({name: duration(value) for name, value in plan.seconds.items()}), sentences([plan.timed_on]), *told]
