"""What a run would cost on machines that were not there: the formulas of docs/scaling.md, put in numbers.

    python benchmarks/projection.py            # a 7B model with 10,000 samples, a 70B model with 100,000
    python benchmarks/projection.py --quick    # the same: nothing is measured

Prompts of 150 tokens of which 120 are shared, 16 new tokens, bf16. One GPU with 312 TFLOP/s in bf16 at 40 % and
2 TB/s, four of them for the weights of the second model, one of which works at a time; CPU cores at 100 GFLOP/s in
float32 and 40 in float64; disks of 2 and of 0.3 GB/s.
"""

import argparse
from dataclasses import dataclass, replace
from math import ceil

from measuring import NO_PEER, Figure, parser, print_figures, print_header, print_row

from interp.capturing.roles import ROLES
from interp.fitting.workers import CELLS_EACH
from interp.planning.footprint import memory_bytes, sample_bytes
from interp.planning.shapes import Shapes
from interp.support.units import gigabytes

SITES, FOLDS, PERMUTATIONS, BATCH_TOKENS = ("resid_post",), 5, 1000, 8192
PROMPT, SHARED, NEW = 150, 120, 16
GPU, BANDWIDTH = 0.4 * 312e12, 2e12
FLOAT32, FLOAT64 = 100e9, 40e9
DISKS = (2e9, 0.3e9)
MEMORY = 512e9
CONTROLS = 3
"""Probes that the controls of a cell take."""


@dataclass(frozen=True)
class Case:
    """A model and how many samples."""

    name: str
    shapes: Shapes
    samples: int


MISTRAL = Shapes(
    n_layers=32,
    n_heads=32,
    d_model=4096,
    d_head=128,
    d_mlp=14336,
    n_ctx=32768,
    d_vocab=32768,
    n_params=7_240_000_000,
    dtype="bfloat16",
)
LLAMA = replace(
    MISTRAL, n_layers=80, n_heads=64, d_model=8192, d_mlp=28672, n_ctx=8192, d_vocab=128256, n_params=70_600_000_000
)
CASES = (Case("Mistral 7B, 10,000 samples", MISTRAL, 10_000), Case("Llama 3 70B, 100,000 samples", LLAMA, 100_000))


@dataclass(frozen=True)
class Projection:
    """Seconds and bytes of one case."""

    case: Case

    @property
    def batch(self) -> int:
        """Samples of a batch of answers."""
        return BATCH_TOKENS // (PROMPT + NEW)

    @property
    def batches(self) -> int:
        return ceil(self.case.samples / self.batch)

    @property
    def prompts(self) -> float:
        return 2 * self.case.shapes.n_params * self.case.samples * (PROMPT - SHARED) / GPU

    @property
    def new_tokens(self) -> float:
        shapes = self.case.shapes
        return self.batches * NEW * shapes.n_params * shapes.itemsize / BANDWIDTH

    @property
    def capture(self) -> float:
        return 2 * self.case.shapes.n_params * self.case.samples * (PROMPT - SHARED + NEW) / GPU

    @property
    def sample(self) -> int:
        return sample_bytes(self.case.shapes, SITES, len(ROLES))

    @property
    def memory(self) -> dict[str, int]:
        return memory_bytes(
            self.case.shapes,
            SITES,
            len(ROLES),
            batch_tokens=BATCH_TOKENS,
            longest=PROMPT + NEW,
            samples=self.case.samples,
        )

    @property
    def cells(self) -> int:
        return self.case.shapes.n_layers * len(ROLES)

    def probe(self, preconditioners: int, passes: int, kinds: int = 1) -> float:
        """One cell's probes, all folds: X and its transpose times a vector for every fold in each pass.

        Kinds of labels and folds that are solved together share the preconditioners.
        """
        n, d = self.case.samples, self.case.shapes.d_model
        return (2.5 * n * d**2 * preconditioners + 4 * FOLDS * kinds * n * d * passes) / FLOAT32

    @property
    def permutations(self) -> float:
        """Products of the columns once, for each fold a factor and solved vectors; all labels times X, twice."""
        n, d = self.case.samples, self.case.shapes.d_model
        vectors = FOLDS * min(1 + PERMUTATIONS, n / FOLDS)
        return (n * d**2 + FOLDS * d**3 / 3 + 2 * vectors * d**2) / FLOAT64 + 4 * (1 + PERMUTATIONS) * n * d / FLOAT32

    def core_hours(self, permuted: bool, controlled: bool) -> tuple[float, float]:
        """Of all cells, least and most."""
        rest = self.permutations if permuted else 0
        kinds = (1, CONTROLS) if controlled else (1,)  # the grid's own labels are solved by themselves
        least, most = (rest + sum(self.probe(*work, k) for k in kinds) for work in ((1, 60), (2, 400)))
        return self.cells * least / 3600, self.cells * most / 3600

    @property
    def workers(self) -> int:
        """That fill half of the machine's memory with their cells."""
        return int(MEMORY // 2 // (CELLS_EACH * 8 * self.case.samples * self.case.shapes.d_model))


STEPS = ((False, False), (True, False), (True, True))
"""Whether a cell is permuted, and has controls."""


def digits(value: float) -> str:
    """Two digits, or all before the point."""
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def duration(seconds: float) -> str:
    """In the unit that suits it."""
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= 1.5 * size:
            return f"{digits(seconds / size)} {unit}"
    return f"{digits(seconds)} s"


def table(found: Projection) -> None:
    """The case's steps, as a table."""
    case, memory = found.case, found.memory
    print_header(case.name, "computed")
    answers = f"{duration(found.prompts)} of prompts, {duration(found.new_tokens)} of new tokens"
    print_row("answering", f"{answers} ({found.batches:,} batches of {found.batch})")
    print_row("capture", duration(found.capture))
    disk = found.sample * case.samples
    written = ", ".join(f"{duration(disk / speed)} at {speed / 1e9:g} GB/s" for speed in DISKS)
    print_row("disk", f"{gigabytes(found.sample)} a sample: {gigabytes(disk)}; to write {written}")
    beside = gigabytes(memory["capturing"] - memory["weights"])
    print_row("GPU memory", f"{gigabytes(memory['weights'])} of weights, {beside} beside them")
    hours = [f"{digits(least)} to {digits(most)}" for least, most in map(found.core_hours, *zip(*STEPS, strict=True))]
    rest = f"with permutations {hours[1]}, with controls too {hours[2]}"
    print_row(f"probes, {found.cells:,} cells", f"{hours[0]} core-hours; {rest}")
    cell = 8 * case.samples * case.shapes.d_model
    each = f"a cell is {gigabytes(cell)}; {gigabytes(memory['probing'])} with one worker"
    workers = f"{found.workers} workers fill half of {gigabytes(int(MEMORY))}"
    print_row("memory of probing", f"{each}; {workers}")


def arguments() -> argparse.ArgumentParser:
    return parser(__doc__, quick="the same: nothing is measured")


def main() -> None:
    arguments().parse_args()
    figures = []
    for case in CASES:
        found = Projection(case)
        table(found)
        print()
        figures += [
            Figure(f"{case.name}: GPU seconds", found.prompts + found.new_tokens + found.capture, NO_PEER, "lower"),
            Figure(f"{case.name}: bytes on the disk", found.sample * case.samples, NO_PEER, "lower"),
            *(
                Figure(f"{case.name}: core-hours of {what}, most", found.core_hours(*step)[1], NO_PEER, "lower")
                for what, step in (("the probes", STEPS[0]), ("probes, permutations and controls", STEPS[2]))
            ),
        ]
    print_figures("projection", figures)


if __name__ == "__main__":
    main()
