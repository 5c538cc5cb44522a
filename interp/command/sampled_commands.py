"""`interp errors` and `interp choose`: commands for a finished run with several answers to each question."""

import argparse
from pathlib import Path
from typing import Any

from interp.command.option_values import cell
from interp.command.output import tell
from interp.command.parser import Parser


def add_sampled_commands(parser: Parser, commands: Any) -> None:
    """Add both to the group of subparsers."""
    errors = parser.add_command(
        commands,
        "errors",
        summary="of a run with several answers a question: the error types, and where states tell them",
        description="Sort the questions of a finished run by how its drawn answers agree (Orgad et al., section 5), "
        "and probe each type against the rest. Writes experiments/error_types.* and draws the report again.",
        example="interp errors runs/greedy --sampled runs/sampled",
        command=_errors,
    )
    errors.add_argument("out", type=Path, metavar="DIR", help="folder of the run that is probed")
    errors.add_argument(
        "--sampled", type=Path, metavar="DIR2", help="take the types from this run of the same questions"
    )
    errors.add_argument("--subtypes", action="store_true", help="tell B1 from B2, C1 from C2, E1 from E2")
    errors.add_argument(
        "--permutations", type=int, default=200, help="of the labels, for each type (default 200; 0: none)"
    )

    choose = parser.add_command(
        commands,
        "choose",
        summary="of a run with several answers a question: how often the one chosen by the probe is right",
        description="Choose among the drawn answers of each question by the probe's score, and by what needs no probe "
        "(Orgad et al., section 6). Writes experiments/choices.* and draws the report again.",
        example="interp choose runs/sampled",
        command=_choose,
    )
    choose.add_argument("out", type=Path, metavar="DIR", help="folder of the run")
    choose.add_argument(
        "--cell", metavar="LAYER,ROLE", type=cell, help="the probe's cell (default: the best of the other folds)"
    )


def _errors(args: argparse.Namespace) -> None:
    from interp.experiments.error_types.section import write_error_types
    from interp.experiments.error_types.types import error_types
    from interp.running.pipeline import open_run

    run = open_run(args.out)
    sampled = None if args.sampled is None else open_run(args.sampled)
    types = error_types(run, sampled=sampled, merged=not args.subtypes, permutations=args.permutations)
    sentences, files = write_error_types(run, types)
    tell("\n".join([*sentences, *map(str, files)]))


def _choose(args: argparse.Namespace) -> None:
    from interp.experiments.choosing.choose import choose_answers
    from interp.experiments.choosing.section import write_choices
    from interp.running.pipeline import open_run

    run = open_run(args.out)
    sentences, files = write_choices(run, choose_answers(run, cell=args.cell))
    tell("\n".join([*sentences, *map(str, files)]))
