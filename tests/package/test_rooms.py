"""The folders of the package are the steps of the data flow: none imports, by whatever way, what comes after it."""

import ast
from collections.abc import Mapping
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "interp"
ROOMS = (
    "support",
    "text",
    "statistics",
    "data",
    "models",
    "engines",
    "fitting",
    "generating",
    "labelling",
    "capturing",
    "storing",
    "grids",
    "controls",
    "comparing",
    "applying",
    "reporting",
    "runs",
    "planning",
    "running",
    "experiments",
    "demo",
    "command",
)
TOP = {"__init__.py", "errors.py", "py.typed", "publication.mplstyle"}  # matplotlib finds a style by `package.name`

Imports = Mapping[str, set[str]]


def modules(package: Path) -> dict[str, Path]:
    """Every module of the package by its dotted name."""
    named = {}
    for path in package.rglob("*.py"):
        parts = (package.name, *path.relative_to(package).with_suffix("").parts)
        named[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return named


def for_checkers_only(tree: ast.Module) -> set[ast.AST]:
    """What stands under `if TYPE_CHECKING:` and is imported by nobody who runs the code."""
    guarded = [n for n in ast.walk(tree) if isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING"]
    return {inner for block in guarded for statement in block.body for inner in ast.walk(statement)}


def imports(package: Path) -> dict[str, set[str]]:
    """The modules that each module imports when it is imported or called: inside functions too, and
    where `import_module` is given its name as it stands."""
    named = modules(package)
    found: dict[str, set[str]] = {}
    for name, path in named.items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        skipped = for_checkers_only(tree)
        wanted = found.setdefault(name, set())
        for node in ast.walk(tree):
            if node in skipped:
                continue
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == package.name:
                for alias in node.names:
                    inner = f"{node.module}.{alias.name}"
                    wanted.add(inner if inner in named else node.module)
            elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
                wanted |= {arg.value for arg in node.args if isinstance(arg, ast.Constant) and arg.value in named}
            elif isinstance(node, ast.Import):
                wanted |= {alias.name for alias in node.names if alias.name in named}
    return found


def closure(direct: Imports, start: str) -> dict[str, tuple[str, ...]]:
    """Everything that a module brings with it, each by a shortest way there."""
    ways: dict[str, tuple[str, ...]] = {start: (start,)}
    waiting = [start]
    while waiting:
        here = waiting.pop(0)
        for target in sorted(direct.get(here, ())):
            if target not in ways:
                ways[target] = (*ways[here], target)
                waiting.append(target)
    return ways


def room(name: str) -> int:
    """The place of a module's room in the order; the package itself, which names everything, stands after all."""
    parts = name.split(".")
    if parts[1:] == ["errors"]:
        return -1
    return len(ROOMS) if len(parts) == 1 else ROOMS.index(parts[1])


def upward(direct: Imports) -> list[str]:
    """Ways that lead from a room to a later one."""
    return [
        " → ".join(way)
        for name in direct
        if len(name.split(".")) > 1
        for target, way in closure(direct, name).items()
        if room(target) > room(name)
    ]


def circles(direct: Imports) -> list[str]:
    """Modules that come back to themselves."""
    back = [(name, target) for name in direct for target in direct[name] if name in closure(direct, target)]
    return [" → ".join((name, *closure(direct, target)[name])) for name, target in back]


@pytest.fixture(scope="module")
def direct() -> Imports:
    return imports(PACKAGE)


def test_at_the_top_stands_only_what_no_room_could_hold():
    inside = {path.name for path in PACKAGE.iterdir() if path.name != "__pycache__"}
    assert inside == {*ROOMS, *TOP}


def test_no_way_leads_upward(direct):
    assert upward(direct) == []


def test_no_module_comes_back_to_itself(direct):
    inside = {name: found - {"interp"} for name, found in direct.items() if name != "interp"}
    assert circles(inside) == []


def test_nothing_inside_imports_by_the_public_names(direct):
    assert [name for name, found in direct.items() if "interp" in found] == []


def test_every_room_says_what_it_is_for():
    for name in ROOMS:
        tree = ast.parse((PACKAGE / name / "__init__.py").read_text(encoding="utf-8"))
        assert ast.get_docstring(tree), name


def made(tmp_path: Path, files: Mapping[str, str]) -> Imports:
    for name, text in files.items():
        path = tmp_path / "interp" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return imports(tmp_path / "interp")


@pytest.mark.parametrize(
    "line",
    [
        "from interp.grids.grid import join",
        "from interp.grids import grid",
        "import interp.grids.grid",
        "def f():\n    from interp.grids.grid import join",
        "import interp.text.words",
        "def f():\n    import_module('interp.grids.grid')",
    ],
)
def test_a_way_upward_is_found(tmp_path, line):
    files = {"text/a.py": line, "grids/grid.py": "", "text/words.py": "def f():\n    import interp.grids.grid"}
    assert any(
        way.startswith("interp.text.a → ") and way.endswith("interp.grids.grid")
        for way in upward(made(tmp_path, files))
    )


def test_what_only_a_checker_reads_is_no_import(tmp_path):
    guarded = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from interp.grids.grid import join"
    assert upward(made(tmp_path, {"text/a.py": guarded, "grids/grid.py": ""})) == []


def test_a_circle_within_a_room_is_found(tmp_path):
    files = {"text/a.py": "from interp.text.b import f", "text/b.py": "def g():\n    from interp.text import a"}
    assert circles(made(tmp_path, files)) == [
        "interp.text.a → interp.text.b → interp.text.a",
        "interp.text.b → interp.text.a → interp.text.b",
    ]
