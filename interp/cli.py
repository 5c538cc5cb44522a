"""The command line: `interp run`, `interp demo` and the rest; a thin shell over `pipeline`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from interp import __version__
from interp.errors import InterpError

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
        print(f"\ninterp: stopped{f'; go on with: interp resume {out}' if out else ''}", file=sys.stderr)
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
    _add_run_options(run)
    run.set_defaults(command=_run)

    for name, command, text in (
        ("resume", _resume, "go on with a run that was stopped"),
        ("status", _status, "how far a run is, and how to go on"),
        ("verify", _verify, "check every shard of a run against its checksum"),
        ("report", _report, "draw the figures and the report of a finished run again"),
    ):
        sub = commands.add_parser(name, help=text)
        sub.add_argument("out", type=Path, metavar="DIR")
        sub.set_defaults(command=command)
    compare = commands.add_parser("compare", help="two runs on the same samples: where do their probe grids differ?")
    compare.add_argument("first", type=Path, metavar="DIR")
    compare.add_argument("second", type=Path, metavar="DIR")
    compare.set_defaults(command=_compare)
    return parser


def _add_run_options(run: argparse.ArgumentParser) -> None:
    run.add_argument("--model", required=True, help="Hugging Face name, local folder, GGUF file, or gemma3-270m")
    run.add_argument(
        "--data",
        required=True,
        help="JSONL, CSV or Parquet file, or a folder of such files, with `question` and `answer`",
    )
    run.add_argument("--out", required=True, type=Path, help="run folder, new or empty")
    run.add_argument("--limit", type=int, help="use the first N rows only")
    run.add_argument("--seed", type=int, default=0, help="seed of folds and resamples (default 0)")
    model = run.add_argument_group("model")
    model.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1 … (default cpu)")
    model.add_argument("--dtype", default="float32", choices=["float32", "bfloat16", "float16"])
    model.add_argument(
        "--processed-weights",
        action="store_true",
        help="fold norms and centre weights as TransformerLens can; off: the raw weights",
    )
    model.add_argument(
        "--batch-tokens",
        type=int,
        default=8192,
        help="padded tokens of a batch (default 8192); part of the run's identity",
    )
    prompt = run.add_argument_group("prompt and generation")
    prompt.add_argument(
        "--prompt-template",
        type=Path,
        metavar="FILE",
        help="text with {question} (and {context}), few-shot examples and all",
    )
    prompt.add_argument(
        "--chat",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="use the tokenizer's chat template (default: if there is one and no --prompt-template)",
    )
    prompt.add_argument("--max-new-tokens", type=int, default=32)
    prompt.add_argument(
        "--stop",
        action="append",
        default=[],
        metavar="TEXT",
        help=r"end generation after this text (\n is a line break); may be repeated",
    )
    answer = run.add_argument_group("exact answer")
    answer.add_argument(
        "--candidates",
        type=Path,
        metavar="FILE",
        help="candidate answers, one a line (default: every accepted answer of the data)",
    )
    answer.add_argument("--answer-pattern", metavar="REGEX", help="regular expression with one group, the exact answer")
    analysis = run.add_argument_group("analysis")
    analysis.add_argument(
        "--sites", default="resid_post", help="comma-separated; the first is probed, all are kept (default resid_post)"
    )
    analysis.add_argument("--population", choices=["exact_answer", "all"], default="exact_answer")
    analysis.add_argument(
        "--probe", default="logistic", help="logistic (default), ridge, mass-mean, lda, k-sparse, pca-lr, mlp"
    )
    analysis.add_argument("--C", type=float, default=1.0, help="inverse strength of the probe's L2 penalty (default 1)")
    analysis.add_argument("--folds", type=int, default=5)
    analysis.add_argument("--permutations", type=int, default=1000, help="label permutations; 0: none (default 1000)")
    analysis.add_argument("--controls", action=argparse.BooleanOptionalAction, default=True)


def _read(path: Path | None, what: str) -> str | None:
    if path is None:
        return None
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InterpError(f"{what} {path} cannot be read: {error}") from error


def template_text(path: Path | None) -> str | None:
    """A prompt template read from its file."""
    text = _read(path, "the prompt template")
    # Editors end a file with a line break that is no part of the prompt.
    return None if text is None else text.removesuffix("\n")


def _run(args: argparse.Namespace) -> None:
    from interp.pipeline import run

    candidates = _read(args.candidates, "the candidates file")
    result = run(
        model=args.model,
        data=args.data,
        out=args.out,
        progress=True,
        device=args.device,
        dtype=args.dtype,
        processed_weights=args.processed_weights,
        limit=args.limit,
        seed=args.seed,
        batch_tokens=args.batch_tokens,
        prompt_template=template_text(args.prompt_template),
        chat=args.chat,
        max_new_tokens=args.max_new_tokens,
        stop=tuple(text.replace("\\n", "\n") for text in args.stop),
        candidates=None
        if candidates is None
        else tuple(line.strip() for line in candidates.splitlines() if line.strip()),
        answer_pattern=args.answer_pattern,
        sites=tuple(site.strip() for site in args.sites.split(",") if site.strip()),
        population=args.population,
        probe=args.probe,
        C=args.C,
        folds=args.folds,
        permutations=args.permutations,
        controls=args.controls,
    )
    print(result.summary())


def _resume(args: argparse.Namespace) -> None:
    from interp.pipeline import resume

    print(resume(args.out, progress=True).summary())


def _status(args: argparse.Namespace) -> None:
    from interp.pipeline import open_run

    print(open_run(args.out).status())


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


def _compare(args: argparse.Namespace) -> None:
    from interp.compare import compare_grids
    from interp.pipeline import open_run

    first, second = (open_run(path) for path in (args.first, args.second))
    names = (str(args.first), str(args.second))
    comparison = compare_grids(first.probe, second.probe, names=names)
    for name, value in comparison.differences.items():
        print(f"{name.replace('_', ' ')}: {value}")
    print(f"correlation over cells: {comparison.correlation['raw']}")


def _demo(args: argparse.Namespace) -> None:
    from interp import demo

    print(demo.run_demo(args.out, limit=args.limit).summary())


if __name__ == "__main__":
    sys.exit(main())
