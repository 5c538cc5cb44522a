"""`interp causal` and `interp steer`: their options, and what they become for the functions."""

import argparse
from pathlib import Path
from typing import Any

from interp.command.option_values import cell
from interp.command.output import tell
from interp.command.parser import Parser


def add_causal(parser: Parser, commands: Any) -> None:
    """Add both commands to the `commands` of a parser."""
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

    steer = parser.add_command(
        commands,
        "steer",
        summary="what the model says when a cell is pushed along the probe's direction, or loses it",
        description="Push the state of one cell along the probe's direction and the difference of means, by doses, "
        "beside random directions and probes of arbitrary labels; take the direction out; and answer some questions "
        "again with the step at every token (docs/definitions.md, Steering). Writes experiments/steering_*.* and draws "
        "the report again.",
        example="interp steer runs/first --cell 12,exact_answer_before_first",
        command=_steer,
    )
    steer.add_argument("out", type=Path, metavar="DIR", help="folder of a finished run")
    steer.add_argument("--cell", metavar="LAYER,ROLE", type=cell, help="default: the probe's highest that can matter")
    steer.add_argument("--outcome", default="answer", help="answer (default) or judgement, as of `interp causal`")
    steer.add_argument("--question", metavar="TEXT", help="of judgement, put behind the sample's text")
    steer.add_argument(
        "--pairs", type=int, default=64, metavar="N", help="at most so many pairs of samples (default 64)"
    )
    steer.add_argument("--draws", type=int, default=20, metavar="K", help="directions of each placebo (default 20)")
    steer.add_argument(
        "--answers", type=int, default=40, metavar="N", help="questions answered again (default 40; 0: none)"
    )


def _steer(args: argparse.Namespace) -> None:
    from interp.experiments.intervening.page import write_steering
    from interp.experiments.intervening.steer import dose_response
    from interp.experiments.intervening.steered_answers import steered_answers
    from interp.running.pipeline import open_run
    from interp.support.progress import bar

    run, answers = open_run(args.out), None
    options = {name: getattr(args, name) for name in ("cell", "outcome", "question", "pairs", "draws")}
    with bar("steering", None, unit="samples run") as progress:
        found = dose_response(run, **options, progress=progress)
    if args.answers > 0:
        with bar("answering", None, unit="answers") as progress:
            place = (found.attrs["layer"], found.attrs["role"])
            answers = steered_answers(run, cell=place, questions=args.answers, progress=progress)
    sentences, files = write_steering(run, found, answers)
    tell("\n".join([*sentences, *map(str, files)]))


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
    tell("\n".join([*sentences, *map(str, files)]))
