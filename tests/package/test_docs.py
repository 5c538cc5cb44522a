"""What the documents say of commands, links, tables and names is so: a command parses, a table says what made it."""

import ast
import importlib
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from remake import MADE, documents, remade, tables

import interp
from interp.command.commands import command_parser

ROOT = Path(__file__).parents[2]
DOCUMENTS = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in documents()}
SCRIPTS = [path for folder in ("benchmarks", "docs", "examples") for path in sorted((ROOT / folder).glob("*.py"))]
CHECKED = re.compile(r"Checked by `pytest (?P<test>tests/[\w/]+\.py)`\.")
NUMBER = re.compile(r"[-−+~*≤≥ ]*(\d*\.\d+|\d{1,3}(,\d{3})+)\b")
"""What a cell with a measured number begins with: digits with a decimal point, or thousands."""


def fenced(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.M | re.S)


def commands(text: str) -> Iterator[str]:
    """Lines of code blocks and of docstrings that call `interp` or a script, without comments."""
    joined = re.sub(r"\\\n\s*", " ", text)
    for line in joined.splitlines():
        found = re.match(r"\s*(?:\.venv/bin/)?((?:python (?:benchmarks|docs|examples)/|interp )\S.*)", line)
        if found and not line.startswith(("|", "#")):
            yield re.split(r"\s#\s|\s{4,}\(", found[1])[0].strip()


def inline(text: str) -> list[str]:
    """Commands within sentences and cells; those of code blocks are complete, these may be abbreviated."""
    prose = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    quoted = (" ".join(found.split()) for found in re.findall(r"`([^`]+)`", prose))
    return [found for found in quoted if re.match(r"(?:python (?:benchmarks|docs)/|interp )\S", found)]


def parsed(command: str) -> None:
    """Raise ValueError unless the command's own parser takes it."""
    program, *words = shlex.split(command)
    if program == "interp":
        parser = command_parser()
    else:
        script, *words = words
        if not (ROOT / script).is_file():
            raise ValueError(f"{command}: there is no {script}")
        if script.startswith("examples/"):
            return
        parser = importlib.import_module(Path(script).stem).arguments()
    try:
        parser.parse_args(words)
    except SystemExit as error:
        raise ValueError(f"{command} is not understood") from error


def subcommands() -> dict[str, object]:
    return next(action for action in command_parser()._actions if hasattr(action, "choices") and action.choices).choices


def abbreviated(command: str) -> None:
    """Raise ValueError unless subcommand and options are known, whatever else is left out."""
    name, *words = command.removeprefix("interp ").split()
    if name.startswith("-"):
        return
    if name not in subcommands():
        raise ValueError(f"{command}: no such command")
    known = subcommands()[name]._option_string_actions
    unknown = [word for word in words if word.startswith("--") and word.partition("=")[0] not in known]
    if unknown:
        raise ValueError(f"{command}: no option {unknown[0]}")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_commands_of_code_blocks_parse(name):
    for block in fenced(DOCUMENTS[name], "(?:sh)?"):
        for command in commands(block):
            parsed(command)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_commands_of_a_scripts_docstring_parse(path):
    said = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    for command in commands("\n".join(line for line in said.splitlines() if line.startswith("    "))):
        if command.startswith("python docs/remake.py") or "…" not in command:
            parsed(command)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_commands_within_sentences_are_known(name):
    for command in inline(DOCUMENTS[name]):
        abbreviated(command) if command.startswith("interp ") else parsed(command)


def test_a_command_that_is_not_so_is_found():
    for wrong in ("python benchmarks/gone.py", "python benchmarks/probes.py --fast", "interp run --model m --dta d"):
        with pytest.raises(ValueError, match=re.escape(wrong)):
            parsed(wrong)
    for wrong in ("interp runn", "interp plan --no-tme"):
        with pytest.raises(ValueError, match=wrong):
            abbreviated(wrong)
    text = "```sh\ninterp run --model m \\\n    --out o  # why\n.venv/bin/interp demo\n```\n"
    assert list(commands(fenced(text, "sh")[0])) == ["interp run --model m  --out o", "interp demo"]
    assert inline("A `interp\nplan` and `python benchmarks/flow.py --gemma`, no `interp`.") == [
        "interp plan",
        "python benchmarks/flow.py --gemma",
    ]


# Tables ---------------------------------------------------------------------------------------------------------------


def unexplained(text: str) -> list[str]:
    """Headers of the tables that hold measured numbers and do not say how they came about."""
    lines = text.splitlines()
    found = []
    for table in tables(lines):
        measured = any(NUMBER.match(cell) for row in table.rows(lines) for cell in row)
        if measured and table.made is None and not CHECKED.fullmatch(above(lines, table.first)):
            found.append(lines[table.first])
    return found


def above(lines: list[str], first: int) -> str:
    return next((line for line in reversed(lines[:first]) if line.strip()), "")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_table_of_measured_numbers_says_what_made_it(name):
    assert unexplained(DOCUMENTS[name]) == []


def test_a_table_without_its_command_is_found():
    table = "| columns | ms |\n|---|---|\n| 640 | {} |\n"
    for number in ("1.5", ".5", "13,113", "0.97 ✗"):
        assert unexplained(table.format(number)) == ["| columns | ms |"]
        for line in (
            "Made by `python a.py` at commit `03bb621`, in 2 min.",
            "Checked by `pytest tests/package/test_docs.py`.",
        ):
            assert unexplained(f"{line}\n\n{table.format(number)}") == []
    for other in ("n - 1", "`0.5`", "seven", "TransformerLens 3.9.0"):
        assert unexplained(table.format(other)) == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_made_a_table_can_be_called(name):
    for line in DOCUMENTS[name].splitlines():
        if found := MADE.fullmatch(line):
            parsed(found["command"])
        elif found := CHECKED.fullmatch(line):
            assert (ROOT / found["test"]).is_file()
        else:
            assert not line.startswith(("Made by `python", "Checked by `")), f"{name}: {line}"


def test_remade_tables_are_those_that_were_printed():
    before = (
        "Said.\n\nMade by `python a.py --x` at commit `0000000`.\n\n| a |\n|---|\n| 1.0 |\n\nBetween `them`.\n\n"
        "Made by `python a.py --x` (table 2) at commit `0000000`; rows with † otherwise.\n\n| b |\n|---|\n| 2.0 |\n| 3.0 |\n"
        "\nMade by `python b.py` at commit `0000000`.\n\n| c |\n|---|\n| 4.0 |\n"
    )
    printed = 'Said on the way\n| a |\n|---|\n| 1.5 |\n| 1.7 |\n\n| b |\n|---|\n| 2.5 |\n\n{"figure": 1}\n'
    assert remade(before, "python a.py --x", printed, commit="abcdef0", minutes=4.4) == (
        "Said.\n\nMade by `python a.py --x` at commit `abcdef0`, in 4 min.\n\n| a |\n|---|\n| 1.5 |\n| 1.7 |\n\nBetween `them`.\n\n"
        "Made by `python a.py --x` (table 2) at commit `abcdef0`, in 4 min.\n\n| b |\n|---|\n| 2.5 |\n"
        "\nMade by `python b.py` at commit `0000000`.\n\n| c |\n|---|\n| 4.0 |\n"
    )
    with pytest.raises(ValueError, match="printed 1 tables; line 11 wants table 2"):
        remade(before, "python a.py --x", "| a |\n|---|\n| 1.5 |\n", commit="abcdef0", minutes=4.4)


# Links and names ------------------------------------------------------------------------------------------------------


def slug(heading: str) -> str:
    """The anchor that a heading has on GitHub."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_relative_links_resolve(name):
    for target in re.findall(r"\]\(([^)\s]+)\)", DOCUMENTS[name]):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        linked = ((ROOT / name).parent / path).resolve() if path else ROOT / name
        assert linked.exists(), f"{name}: {target}"
        if anchor:
            headings = re.findall(r"^#+ (.+)$", linked.read_text(encoding="utf-8"), re.M)
            assert anchor in map(slug, headings), f"{name}: {target}"


def names(code: str) -> set[str]:
    """`x` of every `interp.x` and of every `from interp import x`."""
    found = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "interp":
            found.add(node.attr)
        elif isinstance(node, ast.ImportFrom) and node.module == "interp":
            found |= {alias.name for alias in node.names}
    return found


@pytest.mark.parametrize("name", DOCUMENTS)
def test_code_blocks_compile_and_use_public_names(name):
    text = DOCUMENTS[name]
    for block in fenced(text, "python"):
        assert names(block) <= set(interp.__all__), name
    quoted = set(re.findall(r"`interp\.(\w+)(?:\([^`]*\))?`", text))
    assert {one for one in quoted if not (ROOT / "interp" / one).exists()} <= {*interp.__all__, "__all__"}, name


def test_names_that_are_not_public_are_found():
    assert names("import interp\nfrom interp import run\ninterp.probe_gird(interp.Positions.at(1))") == {
        "run",
        "probe_gird",
        "Positions",
    }
