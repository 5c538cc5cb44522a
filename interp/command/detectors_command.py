"""`interp detectors`: its options, and what they become for `interp.detectors`."""

import argparse
from pathlib import Path
from typing import Any

from interp.command.output import tell
from interp.command.parser import Parser


def add_detectors(parser: Parser, commands: Any) -> None:
    """Add the command to the `commands` of a parser."""
    command = parser.add_command(
        commands,
        "detectors",
        summary="the probe beside log-probability, entropy, P(True) and other detectors of wrong answers",
        description="Set detectors of wrong answers side by side on a finished run's samples and folds: the model's "
        "own log-probability and entropy, P(True), the probe's nested best cell; and say what the probe adds to the "
        "best of them (docs/definitions.md, Detectors). Writes experiments/detectors.* and draws the report again.",
        example="interp detectors runs/first --detector probe --detector exact_logprob_mean",
        command=_detectors,
    )
    command.add_argument("out", type=Path, metavar="DIR", help="folder of a finished run")
    command.add_argument(
        "--detector", action="append", metavar="NAME", help="only this one; may be given again (default: all)"
    )
    command.add_argument(
        "--entailment",
        metavar="MODEL",
        help="a model of natural language inference, by name or folder: semantic entropy by what entails what beside "
        "that of equal answers",
    )
    command.add_argument(
        "--no-model", action="store_true", help="load no model: P(True), and what was not kept of tokens, is left out"
    )


def _detectors(args: argparse.Namespace) -> None:
    from interp.experiments.detecting.detect import detectors
    from interp.experiments.detecting.page import write_detectors
    from interp.running.pipeline import open_run

    run = open_run(args.out)
    model = False if args.no_model else None
    found = detectors(run, only=args.detector, model=model, entailment=args.entailment)
    sentences, files = write_detectors(run, found)
    tell("\n".join([*sentences, *map(str, files)]))
