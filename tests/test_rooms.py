"""The folders of the package are the steps of the data flow: a step imports only what comes before it."""

import ast
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "interp"
STEPS = (
    "data",
    "models",
    "statistics",
    "answering",
    "capturing",
    "probing",
    "comparing",
    "runs",
    "using",
    "planning",
    "reporting",
)
GROUND = (
    "__version__",
    "accepted",
    "arguments",
    "atomic",
    "axes",
    "errors",
    "fingerprint",
    "heap",
    "machine",
    "progress",
    "public",
    "run_data",
    "run_keywords",
    "safetensors_stream",
    "settings",
    "shown_options",
    "threads",
)  # files beside the steps that they use


def imported(path: Path) -> set[str]:
    """The first names below `interp` that a file imports, inside functions too."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "interp":
            names.update([node.module.split(".")[1]] if "." in node.module else [alias.name for alias in node.names])
        elif isinstance(node, ast.Import):
            names.update(alias.name.split(".")[1] for alias in node.names if alias.name.startswith("interp."))
    return names


def test_every_folder_is_a_step():
    folders = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").is_file()}
    assert folders == {*STEPS, "demo"}


def test_a_step_imports_only_earlier_ones():
    for at, step in enumerate(STEPS):
        for path in (PACKAGE / step).rglob("*.py"):
            later = imported(path) - {*STEPS[: at + 1], *GROUND}
            assert not later, f"{step}/{path.name} imports {sorted(later)}"
