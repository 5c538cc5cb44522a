"""Commands that take the folder of one run: go on, look, check, draw again, score its tokens."""

import argparse
import sys
from pathlib import Path
from typing import Any

from interp.command.machine_options import add_machines
from interp.command.options import add_answer_options, add_population, answer_options
from interp.command.output import tell
from interp.command.parser import Parser


def add_folder_commands(parser: Parser, commands: Any) -> None:
    """Add them to the group of subparsers."""
    for name, command, summary, description in FOLDER_COMMANDS:
        sub = parser.add_command(
            commands,
            name,
            summary=summary,
            description=description,
            example=f"interp {name} runs/first",
            command=command,
        )
        if name == "report":
            _add_report(sub)
            continue
        sub.add_argument("out", type=Path, metavar="DIR", help="folder of a run")
        if name == "resume":
            add_answer_options(sub)
            add_population(sub)
            add_machines(sub)


def _add_report(command: Parser) -> None:
    command.add_argument("runs", type=Path, nargs="+", metavar="DIR", help="folder of a finished run, or of several")
    command.add_argument("--out", type=Path, help="file for the page of several runs (default: runs.html)")


def _resume(args: argparse.Namespace) -> None:
    from interp.running.pipeline import resume

    options = {name: value for name, value in answer_options(args).items() if value is not None}
    tell(resume(args.out, progress=True, engine=args.engine, address=args.address, **options).summary())


def _gather(args: argparse.Namespace) -> None:
    from interp.running.gathering import gather
    from interp.running.shares import joined_sentence

    tell(joined_sentence(gather(args.out, progress=True)))


def _status(args: argparse.Namespace) -> None:
    from interp.runs.run_folder import RunFolder
    from interp.runs.status import status

    tell(status(RunFolder(args.out)))


def _verify(args: argparse.Namespace) -> int:
    from interp.running.pipeline import open_run

    problems = open_run(args.out).verify()
    tell("\n".join(problems) or f"{args.out}: every shard is there and as it was written")
    return 2 if problems else 0


def _report(args: argparse.Namespace) -> None:
    from interp.running.analysis import redraw
    from interp.running.pipeline import open_run
    from interp.running.runs_page import write_runs_page

    runs = [open_run(path) for path in args.runs]
    if len(runs) > 1 or args.out is not None:
        tell(write_runs_page(runs, args.out or Path("runs.html")))
        return
    redraw(runs[0])
    tell(runs[0].folder.report)


def _paper(args: argparse.Namespace) -> None:
    from interp.experiments.orgad.run import paper_run, write_paper
    from interp.running.pipeline import open_run

    run = open_run(args.out)
    tell("\n".join(write_paper(run, paper_run(run, progress=True))))
    tell(run.folder.path / "paper_grid.csv")


def _tokens(args: argparse.Namespace) -> None:
    from interp.experiments.token_run import token_run, write_tokens
    from interp.running.pipeline import open_run

    run = open_run(args.out)
    tell("\n".join(write_tokens(run, token_run(run))))
    tell(run.folder.report)


def _seed(args: argparse.Namespace) -> None:
    print("interp: `seed` is now `interp paper`; the old name goes with the next release", file=sys.stderr)
    _paper(args)


FOLDER_COMMANDS = (
    (
        "resume",
        _resume,
        "go on with a run that was stopped",
        "Go on with a run that was stopped, by Ctrl-C or a crash; what is finished is kept, and the results are those "
        "of an unbroken run, byte for byte. Model, data and versions have to be those that the run began with. Until "
        "its answers are labelled, the options below choose anew how they are labelled and located; nothing is "
        "answered again.",
    ),
    (
        "gather",
        _gather,
        "join what the tasks of an array made, and say which are missing",
        "Join what the tasks of an array made (`interp run --shard i/N`): first their answers, then, when each has "
        "captured its share as well, the whole run, with its grids and report. Shares that are missing, damaged or of "
        "another run are named.",
    ),
    (
        "status",
        _status,
        "how far a run is, and how to go on",
        "Say how far a run is, how long its stages took, and how to go on.",
    ),
    (
        "verify",
        _verify,
        "check every shard of a run against its checksum",
        "Read every byte of a run's activations again and compare it with the checksum that was written beside it.",
    ),
    (
        "report",
        _report,
        "draw the figures and the report of a finished run again; of several runs, one page",
        "Draw the figures and report.html of a finished run again, from its stored grids. Of several runs: write one "
        "page in which their grids stand side by side, with the samples behind every cell.",
    ),
    (
        "paper",
        _paper,
        "probe a finished run's answers as the code of Orgad et al. does, beside its own grid",
        "Label, locate and probe the answers of a finished run as the code of Orgad et al. (arXiv 2410.02707) does, "
        "decision for decision, and write paper_grid.csv and figures/paper_grid: that code's AUC of every cell beside "
        "the run's own (docs/paper_preset.md).",
    ),
    (
        "tokens",
        _tokens,
        "score every token of a finished run's answers, and show them in colours in its report",
        "Run the model of a finished run over its answers once more, score every token by the probe of the run's "
        "highest cell, each sample by the probe that did not see its fold, write experiments/token_scores.jsonl, and "
        "draw the report again: the completions behind a cell are then coloured by these scores.",
    ),
    ("seed", _seed, None, "The old name of `interp paper`."),
)
"""Commands that take the folder of a run: name, function, summary, description."""
