"""The whole flow, phase by phase: seconds and peak memory, on the embedded model or on Gemma 3 270M.

    python benchmarks/flow.py                               # the demo
    python benchmarks/flow.py --quick                       # its first 80 questions, two token positions
    python benchmarks/flow.py --gemma --keep runs/gemma     # the Gemma run of docs/gemma.md, its folder kept

Beside the seconds of the three long phases stands what `interp plan` had said they would take. Peak memory is the
process's own high-water mark (VmHWM, Linux) above what it held once the model was loaded; workers are separate
processes, of which the largest is printed.
"""

import argparse
import resource
import tempfile
from pathlib import Path
from time import monotonic
from typing import Any

from measuring import (
    NO_PEER,
    Figure,
    forget_peak,
    memory,
    one_thread,
    parser,
    print_figures,
    print_header,
    print_row,
    progress,
)

import interp
from interp import demo
from interp.command.option_values import template_text

EXAMPLES = Path(__file__).parent.parent / "examples"
MIB = 1 << 20


def arguments() -> argparse.ArgumentParser:
    options = parser(__doc__, quick="the first 80 questions, two token positions, 20 permutations")
    options.add_argument("--gemma", action="store_true", help="Gemma 3 270M, asked the 1,200 questions of examples/")
    options.add_argument("--keep", type=Path, metavar="DIR", help="keep the run folder here")
    return options


def recipe(*, gemma: bool = False) -> tuple[Any, dict[str, Any]]:
    """What is loaded, and the options of the run: those of `interp demo`, or of the README's run of Gemma."""
    if not gemma:
        options = {"data": demo.questions_path(), "prompt_template": demo.PROMPT_TEMPLATE}
        return demo.model_path(), options | {"max_new_tokens": demo.MAX_NEW_TOKENS}
    options = {"data": EXAMPLES / "cities.jsonl", "prompt_template": template_text(EXAMPLES / "cities_prompt.txt")}
    return "gemma3-270m", options | {"chat": False, "stop": ("\n",), "max_new_tokens": 16}


def small_run(out: Path, **options: Any) -> interp.Run:
    """The embedded model asked its first 120 questions, without permutations: for quick modes that need a run."""
    source, usual = recipe()
    return interp.run(model=source, out=out, **usual, **{"limit": 120, "permutations": 0} | options)


def main() -> None:
    args = arguments().parse_args()
    one_thread()
    started = monotonic()
    source, options = recipe(gemma=args.gemma)
    if args.quick:
        options |= {"limit": 80, "roles": ("last_q", "exact_answer_last"), "permutations": 20}
    model = interp.load_model(source)
    seconds = {"import and load": monotonic() - started}
    planned = interp.plan(model=model, **options).seconds or {}
    forget_peak()
    loaded = memory("VmRSS")
    started = monotonic()
    with tempfile.TemporaryDirectory() as folder:
        run = interp.run(model=model, out=args.keep or Path(folder) / "run", progress=True, **options)
        seconds |= run.record["seconds"] | {"whole run": monotonic() - started}
        progress(run.summary().rsplit("\n", 1)[0])
        disk = sum(path.stat().st_size for path in run.folder.activations.iterdir())
    peak = memory("VmHWM")
    workers = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    print_header("phase", "seconds", "planned")
    for phase, value in seconds.items():
        print_row(phase, f"{value:.1f}", f"{planned[phase]:.1f}" if phase in planned else "")
    print()
    print_header("memory and disk", "MiB")
    sizes = {"the model loaded": loaded, "peak above it": peak - loaded, "largest worker": workers, "activations": disk}
    for what, size in sizes.items():
        print_row(what, f"{size / MIB:.0f}")
    name = "gemma" if args.gemma else "demo"
    figures = [Figure(f"{name}_peak_above_model_mib", (peak - loaded) / MIB, NO_PEER, "lower", 1024)]
    figures += [
        Figure(f"{name}_{phase}_seconds", value, NO_PEER, "lower") for phase, value in run.record["seconds"].items()
    ]
    target = None if args.gemma else 60
    figures.append(
        Figure(f"{name}_seconds", seconds["import and load"] + seconds["whole run"], NO_PEER, "lower", target)
    )
    print_figures("flow", figures)


if __name__ == "__main__":
    main()
