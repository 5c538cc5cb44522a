"""The command line: `interp run`, `interp demo` and the rest; a thin shell over `pipeline`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from interp.command.detectors_command import add_detectors
from interp.command.options import add_answer_options, add_population, add_run_options, answer_options, run_options
from interp.command.parser import Parser
from interp.command.sampled_answers import add_sampled_commands
from interp.command.transfer_command import add_transfer
from interp.errors import InterpError
from interp.support.version import __version__

INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0: done, 2: an error that the user can mend (one sentence on standard error)."""
    args = _parser().parse(sys.argv[1:] if argv is None else argv)
    try:
        return int(args.command(args) or 0)
    except InterpError as error:
        print(f"interp: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        out = getattr(args, "out", None)
        begun = out is not None and (out / "run.json").exists()
        print(f"\ninterp: stopped{f'; go on with: interp resume {out}' if begun else ''}", file=sys.stderr)
        return INTERRUPTED


def _parser() -> Parser:
    parser = Parser(
        prog="interp",
        description="Where, in a language model, does it show whether an answer is right? Probe grid and attention "
        "grid over layers and token positions, on the same samples, in the same unit.",
        epilog="interp COMMAND --help says what a command does and takes.",
    )
    parser.add_argument("--version", action="version", version=f"interp {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    demo = parser.add_command(
        commands,
        "demo",
        summary="the whole flow on the embedded model, in under a minute",
        description="Let the embedded model answer its questions, probe its states and its attention, and draw figures "
        "and report. Nothing is downloaded, no answer, label or figure is stored beforehand.",
        example="interp demo --out demo-run",
        command=_demo,
    )
    demo.add_argument(
        "--out", type=Path, default=Path("demo-run"), help="run folder (default: demo-run; replaced if a demo made it)"
    )
    demo.add_argument("--limit", type=int, help="use the first N questions only")

    run = parser.add_command(
        commands,
        "run",
        summary="questions in, grids, figures and a report out",
        description="Ask a model the questions, locate its answers, keep its states and attention at the token "
        "positions, and write both grids, their comparison, controls, figures and report.html into a new folder. A run "
        "that is stopped goes on with `interp resume`.",
        example="interp run --model meta-llama/Llama-3.2-1B-Instruct --data questions.jsonl --out runs/first",
        command=_run,
    )
    add_run_options(run)

    plan = parser.add_command(
        commands,
        "plan",
        summary="what a run would take: disk, memory, time, rows left out; writes nothing",
        description="Read the rows and the model as `interp run` with the same options would, and say what the run "
        "will take and which rows it will leave out. Nothing is written.",
        example="interp plan --model gemma3-270m --data questions.jsonl --no-time",
        command=_plan,
    )
    add_run_options(plan, out_needed=False)
    plan.add_argument(
        "--time",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="estimate the time from a few rows (default); --no-time reads only configuration and tokenizer",
    )

    for name, command, summary, description in FOLDER_COMMANDS:
        sub = parser.add_command(
            commands,
            name,
            summary=summary,
            description=description,
            example=f"interp {name} runs/first",
            command=command,
        )
        sub.add_argument("out", type=Path, metavar="DIR", help="folder of a run")
        if name == "resume":
            add_answer_options(sub)
            add_population(sub)

    compare = parser.add_command(
        commands,
        "compare",
        summary="two or more runs: where do their probe grids differ?",
        description="Compare the probe grids of finished runs pair by pair: the same samples are paired, shared "
        "questions too, the rest is independent.",
        example="interp compare runs/first runs/second --layers depth",
        command=_compare,
    )
    compare.add_argument("first", type=Path, metavar="DIR", help="folder of a finished run")
    compare.add_argument("others", type=Path, nargs="+", metavar="DIR", help="and of at least one other")
    compare.add_argument(
        "--layers",
        choices=("same", "depth"),
        default="same",
        help="same: layer by layer (default); depth: for models of different depth, each layer of the shallowest with "
        "the one of the nearest relative depth",
    )
    add_detectors(parser, commands)
    add_sampled_commands(parser, commands)
    add_transfer(parser, commands)
    return parser


def _run(args: argparse.Namespace) -> None:
    from interp.running.pipeline import run

    print(run(**run_options(args), progress=True).summary())


def _plan(args: argparse.Namespace) -> None:
    from interp.planning.plan import plan

    print(plan(**run_options(args), time=args.time))


def _resume(args: argparse.Namespace) -> None:
    from interp.running.pipeline import resume

    options = {name: value for name, value in answer_options(args).items() if value is not None}
    print(resume(args.out, progress=True, **options).summary())


def _status(args: argparse.Namespace) -> None:
    from interp.runs.run_folder import RunFolder
    from interp.runs.status import status

    print(status(RunFolder(args.out)))


def _verify(args: argparse.Namespace) -> int:
    from interp.running.pipeline import open_run

    problems = open_run(args.out).verify()
    print("\n".join(problems) or f"{args.out}: every shard is there and as it was written")
    return 2 if problems else 0


def _report(args: argparse.Namespace) -> None:
    from interp.running.analysis import redraw
    from interp.running.pipeline import open_run

    run = open_run(args.out)
    redraw(run)
    print(run.folder.report)


def _paper(args: argparse.Namespace) -> None:
    from interp.experiments.orgad.run import paper_run, write_paper
    from interp.running.pipeline import open_run

    run = open_run(args.out)
    print("\n".join(write_paper(run, paper_run(run, progress=True))))
    print(run.folder.path / "paper_grid.csv")


def _tokens(args: argparse.Namespace) -> None:
    from interp.experiments.token_run import token_run, write_tokens
    from interp.running.pipeline import open_run

    run = open_run(args.out)
    print("\n".join(write_tokens(run, token_run(run))))
    print(run.folder.report)


def _seed(args: argparse.Namespace) -> None:
    print("interp: `seed` is now `interp paper`; the old name goes with the next release", file=sys.stderr)
    _paper(args)


def _compare(args: argparse.Namespace) -> None:
    from interp.comparing.run_differences import compare_runs
    from interp.reporting.difference_words import describe_differences
    from interp.running.pipeline import open_run

    paths = [args.first, *args.others]
    if len(set(map(str, paths))) < len(paths):
        raise InterpError("compare: the same folder is given twice; give two or more different runs")
    grids = {str(path): open_run(path).probe for path in paths}
    print("\n".join(describe_differences(compare_runs(grids, layers=args.layers))))


def _demo(args: argparse.Namespace) -> None:
    from interp import demo

    print(demo.run_demo(args.out, limit=args.limit).summary())


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
        "draw the figures and the report of a finished run again",
        "Draw the figures and report.html of a finished run again, from its stored grids.",
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


if __name__ == "__main__":
    sys.exit(main())
