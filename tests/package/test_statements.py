"""What README, CONTRIBUTING, the definitions and the rooms' first lines say of the code, as far as a program can check."""

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest

import interp
from interp.capturing.attention import METRICS
from interp.capturing.roles import ROLES
from interp.command.commands import command_parser
from interp.controls.control_table import TITLES

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "interp"
MODULES = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in sorted(PACKAGE.rglob("*.py"))}
MODULES = {name.removesuffix(".__init__"): path for name, path in MODULES.items()}
PYTHON = [
    path for folder in ("interp", "tests", "benchmarks", "docs", "examples") for path in (ROOT / folder).rglob("*.py")
]


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def section(text: str, heading: str) -> str:
    """From a heading to the next one of any level."""
    return re.split(r"^#+ ", text.split(f"\n{heading}\n", 1)[1], maxsplit=1, flags=re.M)[0]


def first_cells(text: str) -> list[str]:
    """What stands in code style in the first cell of every row of the tables in a text."""
    return [
        word
        for line in text.splitlines()
        if line.startswith("|")
        for word in re.findall(r"`([^`]+)`", line.split("|")[1])
    ]


# README and the definitions -------------------------------------------------------------------------------------------


def test_the_table_of_commands_is_that_of_the_command_line():
    commands = next(action for action in command_parser()._actions if hasattr(action, "choices") and action.choices)
    listed = [choice.dest for choice in commands._choices_actions]
    told = [cell.split()[1] for cell in first_cells(read("README.md")) if cell.startswith("interp ")]
    assert sorted(told) == sorted(listed)


def test_the_definitions_name_every_metric():
    table = section(read("docs/definitions.md"), "## Attention-pattern metrics")
    assert first_cells(table) == list(METRICS)


def test_the_definitions_name_every_role():
    cells = first_cells(section(read("docs/definitions.md"), "## The fifteen token positions"))
    named = [cell.replace("…_", "exact_answer_") for cell in dict.fromkeys(cells)][: 3 + 4]
    assert [*named, *(f"-{k}" for k in range(8, 0, -1))] == list(ROLES)
    assert {"-8", "-1"} <= set(cells) and len(ROLES) == 15


def test_the_definitions_name_every_control():
    named = first_cells(section(read("docs/definitions.md"), "## Controls"))
    assert sorted(named) == sorted([*TITLES, "embed"])


def test_the_changelog_begins_with_the_version():
    assert re.findall(r"^## (\S+)", read("CHANGELOG.md"), re.M)[0] == interp.__version__


# CONTRIBUTING ---------------------------------------------------------------------------------------------------------


def named_by(path: Path) -> set[str]:
    """Modules that a test file names: imported, written out, or behind a public name that it uses as `interp.name`."""
    found = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.Attribute):
            name = ast.unparse(node)
            found |= {name, f"interp.{interp._HOME.get(name.removeprefix('interp.'), '')}"}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)
    return found


def has_code(path: Path) -> bool:
    return any(not isinstance(node, ast.Expr) for node in tree(path).body)


def test_every_module_is_named_by_a_test_file():
    tests = defaultdict(set)
    for path in (ROOT / "tests").rglob("test_*.py"):
        for module in named_by(path):
            tests[module].add(path.name)
    assert [name for name, path in MODULES.items() if has_code(path) and not tests[name]] == []


LONGEST = 250
"""Lines of a file: a longer one holds two ideas."""


def too_long(modules: dict[str, Path]) -> set[str]:
    return {name for name, path in modules.items() if len(path.read_text(encoding="utf-8").splitlines()) > LONGEST}


def test_no_file_is_too_long_for_one_idea(tmp_path):
    assert too_long(MODULES) == set()
    long, whole = tmp_path / "long.py", tmp_path / "whole.py"
    long.write_text("\n" * (LONGEST + 1))
    whole.write_text("\n" * LONGEST)
    assert too_long({"long": long, "whole": whole}) == {"long"}
    statement = re.search(r"Aim for at most (\d+) lines", read("CONTRIBUTING.md"))
    assert int(statement[1]) == LONGEST


@pytest.mark.parametrize("path", PYTHON, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_files_first_line_says_what_it_is_for(path):
    first = (ast.get_docstring(tree(path)) or "").partition("\n")[0]
    assert len(first.split()) >= 4 and first[-1] in ".?:"
    assert path.read_text(encoding="utf-8").lstrip("r").startswith('"""')


def test_files_with_shapes_do_not_postpone_annotations():
    postponed = [path for path in PYTHON if "from __future__ import annotations" in imports(path)]
    assert postponed == []


def imports(path: Path) -> set[str]:
    return {ast.unparse(node) for node in ast.walk(tree(path)) if isinstance(node, ast.Import | ast.ImportFrom)}


def test_grids_are_joined_in_join_grids_only_and_exactly():
    """Every call that joins along labels says `join="exact"`, and there is one function that makes them."""
    joining = {"xr.merge", "xr.align", "xr.combine_by_coords", "xr.combine_nested", "xr.concat"}
    found = []
    for name, path in MODULES.items():
        for function in ast.walk(tree(path)):
            if isinstance(function, ast.FunctionDef):
                for call in ast.walk(function):
                    if isinstance(call, ast.Call) and ast.unparse(call.func) in joining:
                        options = {option.arg: ast.unparse(option.value) for option in call.keywords}
                        found.append((name, function.name, options.get("join")))
    assert found and all(join == "'exact'" for _, _, join in found), found
    assert {function for _, function, _ in found} == {"join_grids"}, found


# Rooms ----------------------------------------------------------------------------------------------------------------

CLASSES = {"HookedTransformer", "TransformerBridge", "TransformerLensKeyValueCache", "DynamicCache"}


def knows_the_class(path: Path) -> list[str]:
    """Imports and comparisons of TransformerLens' classes; a name that is only told, or written down, is no knowledge.

    Nor is a type that only a type checker imports, unless it is one of the classes.
    """
    found = []
    whole = tree(path)
    unseen = {id(node) for block in whole.body if for_the_type_checker(block) for node in ast.walk(block)}
    for node in ast.walk(whole):
        if isinstance(node, ast.Import | ast.ImportFrom) and "transformer_lens" in ast.unparse(node):
            if id(node) not in unseen or {alias.name for alias in node.names} & CLASSES:
                found.append(ast.unparse(node))
        elif isinstance(node, ast.Compare):
            words = {
                one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)
            }
            found += sorted(words & CLASSES)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "isinstance":
            found += sorted({one.id for one in ast.walk(node) if isinstance(one, ast.Name)} & CLASSES)
    return found


def for_the_type_checker(block: ast.stmt) -> bool:
    return isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"


LOADING = {"interp.models.loading", "interp.models.llama"}
"""Where a model is made, TransformerLens has to be imported; nothing is asked of its classes there."""


def test_backends_alone_know_the_class():
    """And CONTRIBUTING names the files besides them that import TransformerLens."""
    knowing = {name for name, path in MODULES.items() if knows_the_class(path)}
    assert {name for name in knowing if not name.startswith("interp.models.backends.")} == LOADING
    statement = re.search(r"- Which library carries a model's hooks.*?\n-", read("CONTRIBUTING.md"), re.S)[0]
    assert {f"`{name.rsplit('.')[-1]}.py`" for name in LOADING} <= set(re.findall(r"`\w+\.py`", statement))


def test_what_a_cache_is_made_of_is_known_to_backends_alone():
    inside = {"entries", "past_keys", "past_values", "previous_attention_mask", "batch_repeat_interleave"}
    asking = {
        name
        for name, path in MODULES.items()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute) and node.attr in inside
    }
    assert asking == {"interp.models.backends.caches", "interp.models.backends.hooked_transformer"}


def test_the_check_of_the_class_can_fail(tmp_path):
    path = tmp_path / "room.py"
    path.write_text(
        'if kind == "TransformerBridge" or isinstance(model, HookedTransformer):\n    import transformer_lens\n'
    )
    assert sorted(knows_the_class(path)) == ["HookedTransformer", "TransformerBridge", "import transformer_lens"]
    path.write_text('raise ModelError("expected a HookedTransformer")\n')
    assert knows_the_class(path) == []
    path.write_text("if TYPE_CHECKING:\n    from transformer_lens import ActivationCache\n")
    assert knows_the_class(path) == []
    path.write_text("if TYPE_CHECKING:\n    from transformer_lens import HookedTransformer\n")
    assert knows_the_class(path) == ["from transformer_lens import HookedTransformer"]


def test_test_files_have_names_of_their_own():
    """pytest imports them by their last name: of two alike the second is an error, but only in a run of both."""
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert sorted(name for name in set(names) if names.count(name) > 1) == []
