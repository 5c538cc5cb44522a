"""What changed in labels, exact answers and positions since another revision, on the same completions.

    python benchmarks/label_changes.py 03bb621 runs/cities runs/movies --demo
    python benchmarks/label_changes.py 03bb621 runs/math --list    # every sample that changed, then and now
    python benchmarks/label_changes.py --quick                     # the embedded model's first 40 answers, against HEAD

A run folder needs its data and model where they were (finished, or stopped once answered). The completions of each run
are labelled and located by this package and by REV's, checked out into a temporary folder, with the run's own rule,
method and candidates; no model answers. The table counts samples.
"""

import argparse
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from against import check_package, checked_out
from measuring import ONE_THREAD, Figure, parser, print_figures, print_header, print_row

LABELLER = """
import json, sys
import interp
for task in json.load(open(sys.argv[1], encoding="utf-8")):
    model = interp.load_model(task["model"], check=False)
    answers = interp.generate_answers(model, task["rows"], **task["options"])
    positions = interp.resolve_positions(answers)
    located = answers.exact_answer, answers.exact_answer_tokens, answers.status
    print(json.dumps([list(one) for one in zip(answers.correct, *located, positions.index.tolist())]))
"""
"""Uses what every revision has: rows that bring their tokens are labelled and located, not answered."""


def arguments() -> argparse.ArgumentParser:
    options = parser(__doc__, quick="the embedded model's first 40 answers, against HEAD")
    options.add_argument("--demo", action="store_true", help="the embedded model's answers too")
    options.add_argument("--list", action="store_true", help="every sample that changed")
    options.add_argument("rev", nargs="?", default="HEAD", help="the other revision")
    options.add_argument("runs", nargs="*", type=Path, help="run folders")
    return options


@dataclass(frozen=True)
class Task:
    """Completions to be labelled: rows as plain JSON that every revision reads."""

    name: str
    model: str
    rows: list[dict[str, Any]]
    options: dict[str, Any]
    texts: list[str]

    def to_json(self) -> dict[str, Any]:
        return {"model": self.model, "rows": self.rows, "options": self.options}


def of_run(path: Path) -> Task:
    """The completions of a run, with its rule, method and candidates."""
    import interp
    from interp.labelling.generate_answers import named_answers
    from interp.runs.rows import read_rows
    from interp.runs.settings import Settings

    run = interp.open_run(path)
    settings, answers = Settings.from_json(run.settings["settings"]), run.answers
    rows = read_rows(settings)
    method = settings.exact_answer or "candidates"
    options: dict[str, Any] = {"correct": settings.correct, "exact_answer": method}
    if method == "candidates":
        options["candidates"] = list(settings.candidates or named_answers(rows, wrong_too=settings.correct == "choice"))
    return Task(path.name, settings.model, _plain(rows, answers), options, answers.text)


def of_demo(limit: int | None) -> Task:
    """The embedded model answers its questions."""
    import interp
    from interp import demo
    from interp.labelling.generate_answers import named_answers

    model, rows = interp.load_model(demo.model_path()), interp.load_rows(demo.questions_path(), limit=limit)
    answers = interp.generate_answers(
        model, rows, prompt_template=demo.PROMPT_TEMPLATE, max_new_tokens=demo.MAX_NEW_TOKENS
    )
    options = {"correct": "contains", "exact_answer": "candidates", "candidates": named_answers(rows, wrong_too=False)}
    return Task("demo", str(demo.model_path()), _plain(rows, answers), options, answers.text)


def _plain(rows: Sequence[Any], answers: Any) -> list[dict[str, Any]]:
    plain = []
    for row, prompt, completion in zip(rows, answers.prompt_ids, answers.completion_ids, strict=True):
        wrong = {"wrong_answer": row.wrong_answers[0]} if row.wrong_answers else {}
        plain.append(
            {"id": row.id, "question": row.question, "answer": list(row.answers), **wrong}
            | {"prompt": "?", "prompt_ids": prompt, "completion_ids": completion}
        )
    return plain


def labelled(tasks: Sequence[Task], tree: Path) -> list[list[list[Any]]]:
    """Label, exact answer, its tokens, status and positions of every sample, by the package in `tree`."""
    with TemporaryDirectory() as place:
        script, given = Path(place, "labeller.py"), Path(place, "tasks.json")
        script.write_text(LABELLER, encoding="utf-8")
        given.write_text(json.dumps([task.to_json() for task in tasks]), encoding="utf-8")
        environment = os.environ | ONE_THREAD | {"PYTHONPATH": str(tree)}
        command = [sys.executable, str(script), str(given)]
        done = subprocess.run(command, env=environment, cwd=place, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"labelling failed with the package in {tree}:\n{done.stderr[-2000:]}")
        return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]


LABELS = {True: "right", False: "wrong", None: "no label"}
COLUMNS = ("label", "found now", "lost", "another exact answer", "another status", "other positions")


def changes(then: Sequence[Any], now: Sequence[Any]) -> Iterator[str]:
    """What differs in one sample, by the names of `COLUMNS`."""
    if then[0] != now[0]:
        yield "label"
    if then[2] is None and now[2] is not None:
        yield "found now"
    elif then[2] is not None and now[2] is None:
        yield "lost"
    elif then[2] != now[2]:
        yield "another exact answer"
    if then[3] != now[3]:
        yield "another status"
    if then[4] != now[4]:
        yield "other positions"


def told(task: Task, i: int, then: Sequence[Any], now: Sequence[Any]) -> str:
    """One sample that changed."""
    row: Mapping[str, Any] = task.rows[i]
    sides = " → ".join(f"{LABELS[one[0]]}, {one[1]!r}" for one in (then, now))
    return (
        f"- {task.name} {row['id']} (accepted {', '.join(row['answer'][:3])}): {task.texts[i].strip()[:160]!r}: {sides}"
    )


def main() -> int:
    options = arguments().parse_args()
    here = Path(__file__).resolve().parents[1]
    tasks = [of_run(path) for path in options.runs]
    if options.demo or options.quick:
        tasks.append(of_demo(40 if options.quick else None))
    with checked_out(options.rev) as tree:
        check_package(tree)
        then, now = labelled(tasks, tree), labelled(tasks, here)
    print_header("data", "samples", *COLUMNS)
    figures, listed = [], []
    for task, before, after in zip(tasks, then, now, strict=True):
        found: Counter[str] = Counter()
        for i, (one, other) in enumerate(zip(before, after, strict=True)):
            differs = list(changes(one, other))
            found.update(differs)
            listed += [told(task, i, one, other)] if differs else []
        print_row(task.name, f"{len(after):,}", *(f"{found[name]:,}" for name in COLUMNS))
        figures.append(Figure(f"{task.name}: labels changed", found["label"], f"the package at {options.rev}"))
    if options.list:
        print("", *listed, sep="\n")
    print_figures("label_changes", figures)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
