"""How far a run is and how to go on, in words; imports nothing heavy, so that `interp status` answers at once."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

COMPLETIONS = {
    "generated": ("answered", "answered"),
    "brought": ("brought its completion", "brought their completion"),
    "none": ("has none", "have none"),
}
"""Where the completions of a run's samples came from, as its record counts them: of one, of several."""


def status_text(
    path: Path,
    record: Mapping[str, Any],
    *,
    way: str,
    answered: tuple[int, int | None] | None = None,
    captured: tuple[int, int, int] | None = None,
) -> str:
    """Every line on a run that stands in the folder `path`; `record` is run.json, `way` how to go on.

    `answered`: how many samples are, of how many asked (None: not known), while a run answers; `captured`, after it:
    how many samples are, in how many whole shards, and how many shards are damaged.
    """
    lines = [f"{path}: {record['state']}, begun {record['created']}"]
    if resumed := record.get("resumed"):
        lines[0] += f", resumed {'once' if len(resumed) == 1 else f'{len(resumed)} times'}, last {resumed[-1]}"
    if captured is not None:
        lines.append(_measured(record["counts"], *captured))
    elif answered is not None:
        lines.append(_answered(record, *answered))
    lines += [f"{name}: {seconds:.1f} s" for name, seconds in record["seconds"].items()]
    if refused := record.get("refused"):
        lines.append(refused)
    else:
        lines.append("finished" if record["state"] == "done" else f"go on with: {way}")
    return "\n".join(lines)


def _answered(record: Mapping[str, Any], finished: int, asked: int | None) -> str:
    if asked is None:
        return f"{finished} samples answered so far"
    line = f"{finished} of {asked} samples answered"
    others = record["data"].get("samples", asked) - asked
    return f"{line}; {others} more bring their completion, or do not fit into the model's context" if others else line


def damaged_answers(path: Path, lines: Sequence[int]) -> list[str]:
    """A sentence about lines of an answer log that are not as they were written; none if all are."""
    if not lines:
        return []
    named = f"line {lines[0]}" if len(lines) == 1 else f"lines {', '.join(map(str, lines[:5]))}"
    more = f" and {len(lines) - 5} more" if len(lines) > 5 else ""
    return [f"{path}: damaged: {named}{more} not as written; the batches of these answers are answered again"]


def _measured(counts: Mapping[str, Any], captured: int, shards: int, damaged: int) -> str:
    if completions := counts.get("completions"):
        some = [(completions[name], said) for name, said in COMPLETIONS.items() if completions[name]]
        answered = f"{counts['samples']} samples: {', '.join(f'{n} {said[n > 1]}' for n, said in some)}"
        if long := completions["none"] and counts.get("status", {}).get("too_long"):
            answered += f" ({long} {'is' if long == 1 else 'are'} too long for the model's context)"
    else:
        answered = f"{counts['samples']} samples answered"
    line = f"{answered}; {captured} captured in {shards} shard{'' if shards == 1 else 's'}"
    return f"{line}; damaged shards: {damaged} (`interp verify` says how)" if damaged else line


def way_on(lost: Mapping[bool, int], method: str | None, way: str) -> str:
    """What to do with a run that cannot be probed as its answers are labelled and located; nothing is answered again.

    `lost`: labelled answers by label that the method located in none; `way`: a command with another method.
    """
    if not lost:
        return "Every labelled answer was located: ask other questions, or judge the answers otherwise (--correct)"
    return (
        f"{lost.get(False, 0)} wrong and {lost.get(True, 0)} right answers have no exact answer by the method "
        f"{method or 'chosen'!r}. Nothing is lost: go on with `{way}`, or another method, candidates, an answer "
        "pattern, another rule, or the population `all`"
    )
