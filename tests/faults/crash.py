"""Processes that die at a chosen moment: forked from the tests' own, where everything is imported already."""

import importlib
import os
import random
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import interp.running.pipeline
from interp.models.loading import HookedModel

COUNTRIES = ("France", "Spain", "Italy", "Kenya", "Peru")
OPTIONS = {"permutations": 0, "controls": False, "batch_tokens": 250, "max_new_tokens": 4}


def make_rows(n: int = 48) -> list[dict]:
    """Rows that bring completions, among them some that have to be answered."""
    rng = random.Random(0)
    rows = []
    for i in range(n):
        truth, said = rng.choice(COUNTRIES), rng.choice(COUNTRIES)
        row = {"id": f"row-{i}", "question": f"Where is city {i}?" + " Tell me." * (i % 3), "answer": truth}
        rows.append(row if i % 4 == 0 else row | {"completion": f" It is in {said}.", "correct": i % 3 == 0})
    return rows


def kill_at(target: str, call: int = 1, *, after: bool = False, signal_number: int = signal.SIGKILL) -> None:
    """From now on the process sends itself a signal in the `call`-th call of `target`, before or after the work."""
    module, _, name = target.rpartition(".")
    owner = importlib.import_module(module)
    work, calls = getattr(owner, name), 0

    def dying(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call and not after:
            os.kill(os.getpid(), signal_number)
        result = work(*args, **kwargs)
        if calls == call and after:
            os.kill(os.getpid(), signal_number)
        return result

    setattr(owner, name, dying)


def with_model(model: HookedModel, action: Callable[[], Any]) -> Callable[[], Any]:
    """`action` with a model that is loaded already, wherever a run would load one."""

    def act() -> Any:
        interp.running.pipeline.load_settings_model = lambda *_: model
        interp.storing.shards.SHARD_SAMPLES = 8
        return action()

    return act


def contents(out: Path) -> dict[str, bytes]:
    """The bytes of every file that must not depend on whether a run was interrupted."""
    names = ("samples.jsonl", "grid.csv", "comparison.json")
    paths = [path for name in names if (path := out / name).exists()] + sorted((out / "activations").iterdir())
    return {path.name: path.read_bytes() for path in paths}
