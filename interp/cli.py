"""The command line: `interp run`, `interp demo` and the rest; a thin shell over `pipeline`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from interp import __version__
from interp.errors import InterpError
from interp.run_options import add_run_options, run_options

INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0: done, 2: an error that the user can mend (one sentence on standard error)."""
    args = _parser().parse_args(argv)
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="interp",
        description="Where, in a language model, does it show whether an answer is right? Probe grid and attention "
        "grid over layers and token positions, on the same samples, in the same unit.",
    )
    parser.add_argument("--version", action="version", version=f"interp {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    demo = commands.add_parser("demo", help="the whole flow on the embedded model, in under a minute")
    demo.add_argument(
        "--out", type=Path, default=Path("demo-run"), help="run folder (default: demo-run; replaced if a demo made it)"
    )
    demo.add_argument("--limit", type=int, help="use the first N questions only")
    demo.set_defaults(command=_demo)

    run = commands.add_parser("run", help="questions in, grids, figures and a report out")
    add_run_options(run)
    run.set_defaults(command=_run)

    plan = commands.add_parser("plan", help="what a run would take: disk, memory, time, rows left out; writes nothing")
    add_run_options(plan)
    plan.add_argument(
        "--time",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="estimate the time from a few rows (default); --no-time reads only configuration and tokenizer",
    )
    plan.set_defaults(command=_plan)

    for name, command, text in (
        ("resume", _resume, "go on with a run that was stopped"),
        ("status", _status, "how far a run is, and how to go on"),
        ("verify", _verify, "check every shard of a run against its checksum"),
        ("report", _report, "draw the figures and the report of a finished run again"),
        ("seed", _seed, "probe a finished run's answers as the code of Orgad et al. does, beside its own grid"),
    ):
        sub = commands.add_parser(name, help=text)
        sub.add_argument("out", type=Path, metavar="DIR")
        sub.set_defaults(command=command)
    compare = commands.add_parser("compare", help="two or more runs: where do their probe grids differ?")
    compare.add_argument("first", type=Path, metavar="DIR")
    compare.add_argument("others", type=Path, nargs="+", metavar="DIR")
    compare.add_argument(
        "--layers",
        choices=("same", "depth"),
        default="same",
        help="same: layer by layer (default); depth: for models of different depth, each layer of the shallowest with "
        "the one of the nearest relative depth",
    )
    compare.set_defaults(command=_compare)
    return parser


def _run(args: argparse.Namespace) -> None:
    from interp.pipeline import run

    print(run(**run_options(args), progress=True).summary())


def _plan(args: argparse.Namespace) -> None:
    from interp.planning.plan import plan

    print(plan(**run_options(args), time=args.time))


def _resume(args: argparse.Namespace) -> None:
    from interp.pipeline import resume

    print(resume(args.out, progress=True).summary())


def _status(args: argparse.Namespace) -> None:
    from interp.runs.run_folder import RunFolder
    from interp.runs.status import status

    print(status(RunFolder(args.out)))


def _verify(args: argparse.Namespace) -> int:
    from interp.pipeline import open_run

    problems = open_run(args.out).verify()
    print("\n".join(problems) or f"{args.out}: every shard is there and as it was written")
    return 2 if problems else 0


def _report(args: argparse.Namespace) -> None:
    from interp.analysis import redraw
    from interp.pipeline import open_run

    run = open_run(args.out)
    redraw(run)
    print(run.folder.report)


def _seed(args: argparse.Namespace) -> None:
    from interp.pipeline import open_run
    from interp.seed_run import seed_run, write_seed

    run = open_run(args.out)
    print("\n".join(write_seed(run, seed_run(run, progress=True))))
    print(run.folder.path / "seed_grid.csv")


def _compare(args: argparse.Namespace) -> None:
    from interp.comparing.run_differences import compare_runs, describe_differences
    from interp.pipeline import open_run

    paths = [args.first, *args.others]
    if len(set(map(str, paths))) < len(paths):
        raise InterpError("compare: the same folder is given twice; give two or more different runs")
    grids = {str(path): open_run(path).probe for path in paths}
    print("\n".join(describe_differences(compare_runs(grids, layers=args.layers))))


def _demo(args: argparse.Namespace) -> None:
    from interp import demo

    print(demo.run_demo(args.out, limit=args.limit).summary())


if __name__ == "__main__":
    sys.exit(main())
