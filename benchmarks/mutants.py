"""Mutation testing: how many small changes of the code that decides results the tests of that code notice.

    python benchmarks/mutants.py                         # every target, 60 mutants each (docs/fuzzing_and_soak.md)
    python benchmarks/mutants.py --only spans --each 0   # all mutants of one target
    python benchmarks/mutants.py --quick                 # three mutants of one target

A mutant is one changed operator, constant, condition, sign or returned value of a module; texts, annotations, what is
raised and a call's `PROMISES` stay as they are. It is killed if a test of the target fails, or takes `SLOWER` times as
long. Tests run in forked children of a process that has imported the libraries, on a copy of the tree, without the
checks of shapes. The mutants are a sample drawn from a seed; survivors are printed as the line that was changed.
"""

import argparse
import ast
import copy
import os
import random
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

from measuring import NO_PEER, Figure, one_thread, parser, print_figures, print_header, print_row, progress

ROOT = Path(__file__).resolve().parents[1]
SLOWER, LEAST_SECONDS = 6, 30
PROMISES = {"strict", "copy", "check_finite", "overwrite_a", "overwrite_b"}
"""Keywords that spare a copy or check what is true anyway: no test can tell one from the other."""


@dataclass(frozen=True)
class Subject:
    """Modules, and the tests that are theirs."""

    modules: tuple[str, ...]
    tests: tuple[str, ...]


SUBJECTS = {
    "positions": Subject(
        ("capturing/positions.py", "capturing/resolve_positions.py"),
        (
            "capturing/test_positions.py",
            "capturing/test_resolve_positions.py",
            "capturing/test_ledger.py",
            "capturing/test_pool.py",
        ),
    ),
    "auc": Subject(
        ("statistics/auc.py", "statistics/rank_sum.py"), ("statistics/test_auc.py", "statistics/test_rank_sum.py")
    ),
    "intervals": Subject(
        ("statistics/cross_fold.py", "statistics/group_bootstrap.py"),
        ("statistics/test_group_bootstrap.py", "statistics/test_learned.py", "statistics/test_cross_fold.py"),
    ),
    "resampling": Subject(
        ("statistics/resampling.py", "statistics/nested_choice.py", "statistics/ridge.py"),
        ("statistics/test_resampling.py", "statistics/test_ridge.py", "statistics/test_nested_choice.py"),
    ),
    "spans": Subject(("text/spans.py",), ("text/test_spans.py",)),
    "folds": Subject(("statistics/folds.py",), ("statistics/test_folds.py",)),
}
SWAPS: dict[type, type] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.And: ast.Or,
    ast.Or: ast.And,
}


@dataclass(frozen=True)
class Mutant:
    """One change: the module's new text, and what was changed."""

    module: str
    line: int
    what: str
    source: str


def mutants(module: str) -> list[Mutant]:
    """All changes of a module, in the order of its lines."""
    text = (ROOT / "interp" / module).read_text(encoding="utf-8")
    tree, lines, found = ast.parse(text), text.splitlines(), []
    for number, (node, change) in enumerate(_changes(tree)):
        twin = copy.deepcopy(tree)
        other, apply = list(_changes(twin))[number]
        apply()
        found.append(
            Mutant(module, node.lineno, f"{lines[node.lineno - 1].strip()}  →  {change.said}", ast.unparse(twin))
        )
        del other
    return sorted(found, key=lambda one: (one.line, one.what))


class _Change:
    """Puts another value into a field of a node (or of a list in it) when it is called."""

    def __init__(self, node: ast.AST, field: str, value: object, said: str, at: int | None = None) -> None:
        self.node, self.field, self.value, self.said, self.at = node, field, value, said, at

    def __call__(self) -> None:
        if self.at is None:
            setattr(self.node, self.field, self.value)
        else:
            getattr(self.node, self.field)[self.at] = self.value


def _changes(tree: ast.AST) -> Iterator[tuple[ast.expr | ast.stmt, _Change]]:
    for node in _mutable(tree):
        if isinstance(node, ast.BinOp | ast.BoolOp | ast.AugAssign) and (swap := SWAPS.get(type(node.op))):
            yield node, _Change(node, "op", swap(), swap.__name__)
        elif isinstance(node, ast.Compare):
            for at, op in enumerate(node.ops):
                if swap := SWAPS.get(type(op)):
                    yield node, _Change(node, "ops", swap(), swap.__name__, at)
        elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
            value = not node.value if isinstance(node.value, bool) else node.value + 1
            yield node, _Change(node, "value", value, f"{node.value} becomes {value}")
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.Not):
            twice = ast.UnaryOp(node.op, node.operand)  # once more is not at all
            yield node, _Change(node, "operand", twice, f"without {type(node.op).__name__}")
        elif isinstance(node, ast.If | ast.IfExp | ast.While):
            yield node.test, _Change(node, "test", ast.UnaryOp(ast.Not(), node.test), "condition turned round")
        elif isinstance(node, ast.Return) and node.value is not None:
            yield node, _Change(node, "value", ast.Constant(None), "returns None")


def _mutable(node: ast.AST) -> Iterator[ast.AST]:
    """Nodes in their order, without annotations, decorators, promises and what is raised."""
    if isinstance(node, ast.Raise) or (isinstance(node, ast.keyword) and node.arg in PROMISES):
        return
    yield node
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "bases"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _mutable(child)


def tested(tree: Path, subject: Subject, seconds: float) -> tuple[str, float]:
    """`passed`, `failed` or `too slow`, and how long it took, of the subject's tests in a copy of the tree."""
    started, pid = monotonic(), os.fork()
    if pid == 0:
        status = 1
        try:
            os.chdir(tree)
            os.setpgid(0, 0)
            quiet = os.open(os.devnull, os.O_WRONLY)
            os.dup2(quiet, 1)
            os.dup2(quiet, 2)
            sys.path[:0] = [str(tree), str(tree / "benchmarks"), str(tree / "docs")]
            import pytest

            plain = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", "-o", "addopts=", "--assert=plain"]
            status = int(pytest.main([*plain, *(f"tests/{name}" for name in subject.tests)]))
        finally:
            os._exit(status)
    while monotonic() - started < seconds:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return ("passed" if status == 0 else "failed"), monotonic() - started
        sleep(0.02)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return "too slow", monotonic() - started


def import_libraries() -> None:
    """What every test needs of other packages, so that no child imports it again; nothing of this one."""
    import hypothesis  # noqa: F401
    import matplotlib  # noqa: F401
    import pandas  # noqa: F401
    import pytest  # noqa: F401
    import scipy.stats  # noqa: F401
    import sklearn.linear_model
    import sklearn.metrics  # noqa: F401
    import transformer_lens  # noqa: F401
    import transformers  # noqa: F401
    import xarray  # noqa: F401


def arguments() -> argparse.ArgumentParser:
    options = parser(__doc__, quick="three mutants of one target")
    options.add_argument("--only", choices=SUBJECTS, nargs="+", default=list(SUBJECTS))
    options.add_argument("--each", type=int, default=60, help="mutants of a target; 0: all")
    options.add_argument("--seed", type=int, default=0)
    return options


def main() -> None:
    args = arguments().parse_args()
    one_thread()
    sys.dont_write_bytecode = True
    import_libraries()
    names, each = (args.only[-1:], 3) if args.quick else (args.only, args.each)
    rows, survivors, figures = [], [], []
    with tempfile.TemporaryDirectory() as place:
        tree = Path(place) / "tree"
        for part in ("interp", "tests", "benchmarks", "docs"):
            shutil.copytree(ROOT / part, tree / part, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("pyproject.toml", "README.md"):
            shutil.copy(ROOT / name, tree / name)
        for name in names:
            subject = SUBJECTS[name]
            said, whole = tested(tree, subject, 900)
            if said != "passed":
                raise SystemExit(f"{name}: its tests do not pass as they are")
            every = [one for module in subject.modules for one in mutants(module)]
            drawn = random.Random(args.seed).sample(every, min(each or len(every), len(every)))
            killed = 0
            for one in drawn:
                path = tree / "interp" / one.module
                before = path.read_text(encoding="utf-8")
                path.write_text(one.source, encoding="utf-8")
                said, _ = tested(tree, subject, max(LEAST_SECONDS, SLOWER * whole))
                path.write_text(before, encoding="utf-8")
                killed += said != "passed"
                if said == "passed":
                    survivors.append(f"{one.module}:{one.line}: {one.what}")
                    progress(survivors[-1])
            progress(f"{name}: {killed} of {len(drawn)} killed; the tests take {whole:.0f} s")
            rows.append((name, len(every), len(drawn), killed, f"{killed / len(drawn):.0%}"))
            figures.append(
                Figure(f"{name}: killed", killed / len(drawn), NO_PEER, "higher", None if args.quick else 0.85)
            )
    print_header("target", "mutants", "tried", "killed", "share")
    for row in rows:
        print_row(*row)
    print_figures("mutants", figures)


if __name__ == "__main__":
    main()
