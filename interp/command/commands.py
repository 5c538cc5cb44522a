"""Every command of `interp`, what it takes and what it calls; a thin shell over `pipeline`."""

import argparse
from pathlib import Path

from interp.command.cache_command import add_cache
from interp.command.causal_command import add_causal
from interp.command.detectors_command import add_detectors
from interp.command.folder_commands import add_folder_commands
from interp.command.lens_command import add_lens
from interp.command.machine_options import add_array_and_store, add_machines, machine_options
from interp.command.options import add_run_options, run_options
from interp.command.output import tell
from interp.command.parser import Parser
from interp.command.sampled_commands import add_sampled_commands
from interp.command.transfer_command import add_transfer
from interp.errors import InterpError
from interp.support.version import __version__


def command_parser() -> Parser:
    """The parser of `interp`; what it parses holds the function to call as `command`."""
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
    add_machines(run)
    add_array_and_store(run)

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
    add_machines(plan)
    add_array_and_store(plan)
    plan.add_argument(
        "--time",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="estimate the time from a few rows (default, unless a GGUF file would have to be converted for it); "
        "--no-time reads only configuration and tokenizer",
    )

    add_folder_commands(parser, commands)

    compare = parser.add_command(
        commands,
        "compare",
        summary="two or more runs: where do their probe grids differ?",
        description="Compare the probe grids of finished runs pair by pair: the same samples are paired, shared "
        "questions too, the rest is independent. Writes the table of every cell, a figure for each pair and a page "
        "into a folder.",
        example="interp compare runs/first runs/second --layers depth --out runs/compared",
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
    compare.add_argument(
        "--out", type=Path, help="folder for table, figures and report (default: compare_ and the runs' names)"
    )
    add_detectors(parser, commands)
    add_sampled_commands(parser, commands)
    add_transfer(parser, commands)
    add_causal(parser, commands)
    add_lens(parser, commands)
    add_cache(parser, commands)
    return parser


def _run(args: argparse.Namespace) -> None:
    from interp.running.pipeline import run

    made = run(**run_options(args), **machine_options(args), progress=True)
    if args.shard is None:
        tell(made.summary())


def _plan(args: argparse.Namespace) -> None:
    from interp.planning.plan import plan

    tell(plan(**run_options(args), **machine_options(args), time=args.time))


def _compare(args: argparse.Namespace) -> None:
    from interp.comparing.run_differences import compare_runs, named_by_folder
    from interp.experiments.compared_runs import differences_folder, write_differences
    from interp.running.pipeline import open_run

    paths = [args.first, *args.others]
    if len(set(map(str, paths))) < len(paths):
        raise InterpError("compare: the same folder is given twice; give two or more different runs")
    out = differences_folder(args.out, paths)
    grids = {name: open_run(path).probe for name, path in zip(named_by_folder("compare", paths), paths, strict=True)}
    sentences, files = write_differences(grids, compare_runs(grids, layers=args.layers), out)
    tell("\n".join([*sentences, *map(str, files)]))


def _demo(args: argparse.Namespace) -> None:
    from interp import demo

    tell(demo.run_demo(args.out, limit=args.limit).summary())
