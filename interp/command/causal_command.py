"""`interp causal`: its options, and what they become for `interp.patch_grid`."""

import argparse
from pathlib import Path
from typing import Any

from interp.command.parser import Parser


def add_causal(parser: Parser, commands: Any) -> None:
    """Add the command to the `commands` of a parser."""
    command = parser.add_command(
        commands,
        "causal",
        summary="which cells the outcome hangs on: states of right and wrong samples put in each other's place",
        description="Put the states of right samples into wrong ones and the reverse, cell by cell, and say how much "
        "of the difference of their outcomes that moves, beside donors of the same label, random directions and "
        "scrambled weights (docs/definitions.md, Patching). Writes experiments/causal_*.* and draws the report again.",
        example="interp causal runs/first --pairs 128",
        command=_causal,
    )
    command.add_argument("out", type=Path, metavar="DIR", help="folder of a finished run")
    command.add_argument(
        "--outcome", default="answer", help="answer (default): log-probabilities of the answers; or judgement: Yes − No"
    )
    command.add_argument("--question", metavar="TEXT", help="of judgement, put behind the sample's text")
    command.add_argument("--site", default="resid_post", help="resid_post (default), attn_out, mlp_out or z")
    command.add_argument("--head", type=int, metavar="K", help="of z, this head only (default: all together)")
    command.add_argument("--pairs", type=int, default=64, metavar="N", help="at most so many (default 64)")
    command.add_argument(
        "--match", default="offsets", help="offsets (default): roles equally far apart; or roles: only the same ones"
    )
    command.add_argument("--fast", action="store_true", help="to first order only, from one gradient a sample")
    command.add_argument("--no-scrambled", action="store_true", help="leave out the control of scrambled weights")


def _causal(args: argparse.Namespace) -> None:
    from interp.experiments.intervening.effects import CONTROLS, SCRAMBLED
    from interp.experiments.intervening.page import write_causal
    from interp.experiments.intervening.patch import patch_grid
    from interp.running.pipeline import open_run
    from interp.support.progress import bar

    run = open_run(args.out)
    controls = [name for name in CONTROLS if not (args.no_scrambled and name == SCRAMBLED)]
    with bar("patching", None, unit="samples run", late=True) as progress:
        found = patch_grid(
            run,
            outcome=args.outcome,
            question=args.question,
            site=args.site,
            head=args.head,
            pairs=args.pairs,
            match=args.match,
            method="attribution" if args.fast else "exact",
            controls=controls,
            progress=progress,
        )
    sentences, files = write_causal(run, found)
    print("\n".join([*sentences, *map(str, files)]))
