"""Nothing that is read is unpickled or evaluated, and no model brings code: ruff refuses each way to do it."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DANGEROUS = {
    "import pickle": ("TID251",),
    "from pickle import loads": ("TID251",),
    "import cPickle": ("TID251",),
    "import dill": ("TID251",),
    "import cloudpickle": ("TID251",),
    "import shelve": ("TID251",),
    "import marshal": ("TID251",),
    "import pandas as pd\npd.read_pickle('a')": ("S301", "TID251"),
    "import joblib\njoblib.load('a')": ("TID251",),
    "from joblib import load\nload('a')": ("TID251",),
    "import torch\ntorch.load('a')": ("TID251",),
    "import torch\ntorch.load('a', weights_only=True)": ("TID251",),
    "import numpy as np\nnp.load('a.npy', allow_pickle=True)": ("TID251",),
    "import yaml\nyaml.load('a', Loader=yaml.Loader)": ("S506", "TID251"),
    "import yaml\nyaml.unsafe_load('a')": ("TID251",),
    "eval('1')": ("S307",),
    "exec('1')": ("S102",),
}


@pytest.fixture(scope="module")
def refused(tmp_path_factory) -> dict[str, set[str]]:
    """The rules that each of these breaks, by one call of ruff with the project's own settings."""
    folder = tmp_path_factory.mktemp("dangerous")
    for number, text in enumerate(DANGEROUS):
        (folder / f"d{number}.py").write_text(f'"""A file."""\n\n{text}\n')
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", "--config", str(ROOT / "pyproject.toml")]
    command += ["--output-format", "concise", "--no-fix", str(folder)]
    said = subprocess.run(command, capture_output=True, text=True).stdout.splitlines()
    found: dict[str, set[str]] = {text: set() for text in DANGEROUS}
    for number, text in enumerate(DANGEROUS):
        found[text] = {
            line.split()[1] for line in said if f"{folder}/d{number}.py:" in line or f"/d{number}.py:" in line
        }
    return found


@pytest.mark.parametrize("text", DANGEROUS)
def test_ruff_refuses_every_way_to_run_what_was_read(refused, text) -> None:
    assert refused[text] & {*DANGEROUS[text]}, refused[text]


def test_ruff_says_nothing_of_an_import_of_torch_or_joblib(tmp_path) -> None:
    (tmp_path / "a.py").write_text(
        '"""A file."""\n\nimport joblib\nimport torch\n\nprint(torch.ones(1), joblib.cpu_count())\n'
    )
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", "--config", str(ROOT / "pyproject.toml")]
    done = subprocess.run([*command, str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "place", ["interp/runs/a.py", "tests/runs/a.py", "benchmarks/a.py", "notebooks/a.py", "docs/a.py"]
)
def test_no_folder_is_left_out(place) -> None:
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", "--output-format", "concise"]
    text = '"""A file."""\n\nimport pickle\n\neval("1")\nexec("1")\npickle.loads(b"")\n'
    done = subprocess.run(
        [*command, "--stdin-filename", place, "-"], cwd=ROOT, input=text, capture_output=True, text=True
    )
    assert all(rule in done.stdout for rule in ("S102", "S301", "S307", "TID251"))


def test_the_package_makes_no_exception() -> None:
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "interp").rglob("*.py")]
    assert len(sources) > 300
    assert not any(f"noqa: {rule}" in source for source in sources for rule in ("S", "TID"))


def test_no_model_brings_code() -> None:
    """Every `from_pretrained` of transformers in the package is told so, and nothing else is said anywhere."""
    told = 0
    for path in sorted((ROOT / "interp").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.keyword) and node.arg == "trust_remote_code":
                pytest.fail(f"{path}: trust_remote_code is said in remote_code.py alone")
            called = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
            if called and node.func.attr == "from_pretrained" and path.name != "train.py":
                assert "NO_CODE" in ast.unparse(node), f"{path}:{node.lineno}"
                told += 1
    from interp.models.remote_code import NO_CODE

    assert NO_CODE == {"trust_remote_code": False} and told >= 8
