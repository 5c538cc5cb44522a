"""A small run, its unbroken result, and the way to start it in a process that may die."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import interp

sys.path.insert(0, str(Path(__file__).parent))
from crash import OPTIONS, make_rows, with_model
from moments import in_child


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
