"""Peak memory of converting a GGUF file, and of loading what was converted, against the model's bytes in its dtype.

    python benchmarks/conversion.py                     # Gemma 3 270M (the extra `gemma`), float32 and bfloat16
    python benchmarks/conversion.py --quick             # the embedded model as a GGUF file, converted to bfloat16
    python benchmarks/conversion.py --file MODEL.gguf   # another file, or the first of its shards

The process's high-water mark (VmHWM, Linux) above what it holds once everything is imported, each in a process of its
own; the converted folder is in a temporary cache.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

from measuring import (
    NO_PEER,
    Figure,
    forget_peak,
    in_own_processes,
    memory,
    one_thread,
    parser,
    print_figures,
    print_header,
    print_row,
)

ROOT = Path(__file__).resolve().parents[1]
DTYPES = ("float32", "bfloat16")
STEPS = ("converting", "loading")
MIB = 1 << 20


def arguments() -> argparse.ArgumentParser:
    options = parser(__doc__, quick="the embedded model instead of Gemma 3 270M, converted to bfloat16")
    options.add_argument("--file", type=Path, metavar="GGUF", help="another file than Gemma 3 270M")
    options.add_argument("--task", nargs=2, help=argparse.SUPPRESS)
    return options


def embedded(folder: Path) -> Path:
    """The demo's model as a GGUF file: small, and in the package."""
    sys.path.append(str(ROOT / "tests"))
    from gguf_files import write_llama

    from interp import demo

    write_llama(demo.model_path(), folder / "embedded.gguf")
    return folder / "embedded.gguf"


def peak(step: str, dtype: str, file: Path | None) -> tuple[int, int]:
    """Bytes above what was held before the step, and bytes of the weights."""
    import gguf  # noqa: F401
    import torch
    import transformer_lens.model_bridge  # noqa: F401
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer  # noqa: F401

    import interp
    from interp.models.gguf import converted_folder, gemma3_file

    kind, path = getattr(torch, dtype), file or gemma3_file()
    one_thread()
    # What is imported on first use only: the model's own module.
    config = AutoConfig.from_pretrained(converted_folder(path, kind)) if step == "loading" else None
    AutoModelForCausalLM.from_config(config or AutoConfig.for_model("gemma3_text", num_hidden_layers=1, vocab_size=9))
    forget_peak()
    before = memory("VmRSS")
    if step == "converting":
        folder = converted_folder(path, kind)
        taken = memory("VmHWM") - before
        return taken, (folder / "model.safetensors").stat().st_size
    interp.load_model(path, dtype=dtype)
    return memory("VmHWM") - before, (converted_folder(path, kind) / "model.safetensors").stat().st_size


def main() -> None:
    args = arguments().parse_args()
    if args.task:
        print(json.dumps([peak(args.task[0], args.task[1], args.file)]))
        return
    figures = []
    print_header("dtype", "step", "weights, MiB", "peak, MiB", "peak / weights")
    for dtype in DTYPES[1:] if args.quick else DTYPES:
        with tempfile.TemporaryDirectory() as cache:
            os.environ["INTERP_CACHE"] = cache
            file = args.file or (embedded(Path(cache)) if args.quick else None)
            given = ("--file", file) if file else ()
            for step in STEPS[:1] if args.quick else STEPS:
                ((taken, weights),) = in_own_processes(__file__, "--task", [step, dtype], *given, together=True)
                print_row(dtype, step, f"{weights / MIB:.0f}", f"{taken / MIB:.0f}", f"{taken / weights:.2f}")
                target = 1.3 if step == "converting" else None
                figures.append(Figure(f"{step}, {dtype}: peak / weights", taken / weights, NO_PEER, "lower", target))
    print_figures("conversion", figures)


if __name__ == "__main__":
    main()
