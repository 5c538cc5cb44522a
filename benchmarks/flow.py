"""The whole flow, phase by phase: seconds and peak memory, on the embedded model or on Gemma 3 270M.

    python benchmarks/flow.py            # the demo
    python benchmarks/flow.py --quick    # its first 200 questions
    python benchmarks/flow.py --gemma --keep runs/gemma    # the Gemma run of docs/gemma.md, its folder kept

Peak memory is the process's own high-water mark (VmHWM, Linux) above what it held once the model was loaded; workers
are separate processes, of which the largest is printed.
"""

import argparse
import json
import resource
import tempfile
from pathlib import Path
from time import monotonic
from typing import Any

import interp
from interp import demo
from interp.run_options import template_text

EXAMPLES = Path(__file__).parent.parent / "examples"


def memory(field: str) -> float:
    """MiB of `VmRSS` (now) or `VmHWM` (high-water mark) of this process."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"no {field} in /proc/self/status")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--gemma", action="store_true")
    parser.add_argument("--keep", type=Path, help="keep the run folder here")
    args = parser.parse_args()
    started = monotonic()
    if args.gemma:
        source, data = "gemma3-270m", EXAMPLES / "cities.jsonl"
        options: dict[str, Any] = {
            "prompt_template": template_text(EXAMPLES / "cities_prompt.txt"),
            "chat": False,
            "stop": ("\n",),
            "max_new_tokens": 16,
        }
    else:
        source, data = demo.model_path(), demo.questions_path()
        options = {"prompt_template": demo.PROMPT_TEMPLATE, "max_new_tokens": demo.MAX_NEW_TOKENS}
    model = interp.load_model(source)
    seconds = {"import and load": monotonic() - started}
    loaded = memory("VmRSS")
    with tempfile.TemporaryDirectory() as folder:
        run = interp.run(
            model=model,
            data=data,
            out=args.keep or Path(folder) / "run",
            limit=200 if args.quick else None,
            progress=True,
            **options,
        )
        seconds |= run.settings["seconds"]
        print(run.summary().rsplit("\n", 1)[0])
    peak = memory("VmHWM")
    workers = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    for phase, value in seconds.items():
        print(f"{phase:<16} {value:7.1f} s")
    print(f"{'whole':<16} {monotonic() - started:7.1f} s")
    print(f"memory: {loaded:.0f} MiB with the model loaded, peak {peak:.0f} MiB, largest worker {workers:.0f} MiB")
    name = "gemma" if args.gemma else "demo"
    figures = [("peak_above_model_mib", peak - loaded, 1024)]
    if not args.gemma:
        figures.insert(0, ("seconds", monotonic() - started, 60))
    for figure, value, target in figures:
        line = {"benchmark": "flow", "figure": f"{name}_{figure}", "value": round(value, 1), "target": target}
        print(json.dumps({**line, "better": "lower", "peer": "none: an absolute bound"}))


if __name__ == "__main__":
    main()
