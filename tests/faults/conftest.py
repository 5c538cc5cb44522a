"""A small run, its unbroken result, and the way to start it in a process that may die."""

import json
import random
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import interp

sys.path.insert(0, str(Path(__file__).parent))
from crash import in_child, with_model

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


@pytest.fixture(scope="session")
def data(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("data") / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in make_rows()), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def start(llama_folder, llama, data) -> Callable[[Path], Callable[[], interp.Run]]:
    """`start(out)` is the whole run, to be called in a child."""
    return lambda out: with_model(
        llama, lambda: interp.run(model=llama_folder, data=data, out=out, n_jobs=1, **OPTIONS) and None
    )


@pytest.fixture(scope="session")
def go_on(llama) -> Callable[[Path], Callable[[], interp.Run]]:
    """`go_on(out)` is `interp.resume(out)`, to be called in a child."""
    return lambda out: with_model(llama, lambda: interp.resume(out, n_jobs=1) and None)


@pytest.fixture(scope="session")
def unbroken(start, tmp_path_factory) -> Path:
    """The folder of a run that nothing happened to."""
    out = tmp_path_factory.mktemp("runs") / "unbroken"
    assert in_child(start(out)) == 0
    return out
