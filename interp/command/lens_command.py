"""`interp lens`: what every cell of a finished run would say of the answer, and what adds to its logit."""

import argparse
from pathlib import Path
from typing import Any

from interp.command.output import tell
from interp.command.parser import Parser


def add_lens(parser: Parser, commands: Any) -> None:
    """Add the command to the `commands` of a parser."""
    command = parser.add_command(
        commands,
        "lens",
        summary="rank and log-probability of the given and the right answer in every cell (logit lens), and what heads "
        "and MLPs add",
        description="Put the stored residual stream of a finished run through the model's own final norm and "
        "unembedding: where does the answer become the top token, and does the right one stand in wrong samples? And "
        "take the answer's logit apart into heads and MLPs. Writes experiments/lens.* and draws the report again.",
        example="interp lens runs/first",
        command=_lens,
    )
    command.add_argument("out", type=Path, metavar="DIR", help="folder of a finished run")
    command.add_argument(
        "--rows", type=Path, metavar="FILE", help="take the right answers from these rows (default: the run's own data)"
    )


def _lens(args: argparse.Namespace) -> None:
    from interp.experiments.lens.section import lens_of_run, write_lens
    from interp.running.pipeline import open_run

    run = open_run(args.out)
    sentences, files = write_lens(run, *lens_of_run(run, rows=args.rows))
    tell("\n".join([*sentences, *map(str, files)]))
