"""Where things are: rooms with their first lines in CONTRIBUTING, files with theirs in docs/reference/tree.md."""

import ast
from collections.abc import Iterator
from pathlib import Path

from reference import ROOT, WRITTEN
from wording import table

BEGIN, END = "<!-- rooms: written by `make docs` -->\n", "<!-- end of rooms -->\n"


def first_line(path: Path) -> str:
    """What a file says it is for: the first sentence or line of its docstring."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return text.partition("\n")[0]


def rooms() -> Iterator[Path]:
    """The folders of the package in the order of the data flow, a room within a room after it."""
    package = ROOT / "interp"
    order = [folder.strip() for folder in ORDER.split("·")]
    missing = {path.name for path in package.iterdir() if (path / "__init__.py").is_file()} ^ set(order)
    if missing:
        raise ValueError(f"interp/ and the order of its rooms differ in {', '.join(sorted(missing))}")
    for room in order:
        yield from (found.parent for found in sorted((package / room).rglob("__init__.py")))


ORDER = (
    "support · text · statistics · data · models · engines · fitting · generating · labelling · capturing · storing · "
    "grids · controls · comparing · applying · reporting · runs · planning · running · experiments · demo · command"
)
"""Each room imports only earlier ones (tests/package/test_rooms.py)."""


def listed() -> str:
    """The rooms as a table."""
    rows = [(f"`{room.relative_to(ROOT / 'interp')}/`", first_line(room / "__init__.py")) for room in rooms()]
    return table(("room", "what it is for"), rows)


def tree() -> str:
    """Every file of the package with its first line."""
    parts = [
        f"{WRITTEN}# Where is …?\n\nEvery file of the package and what it is for, room by room in the order of the "
        "data flow: a room imports only earlier ones.\n"
    ]
    for room in rooms():
        files = [path for path in sorted(room.glob("*.py")) if path.name != "__init__.py"]
        rows = [(f"[`{path.name}`](../../{path.relative_to(ROOT)})", first_line(path)) for path in files]
        said = first_line(room / "__init__.py")
        parts.append(f"\n## {room.relative_to(ROOT / 'interp')}\n\n{said}\n")
        parts.append(f"\n{table(('file', 'what it is for'), rows)}" if rows else "")
    return "".join(parts)


def pages() -> dict[Path, str]:
    """What is written of the tree, by its path in the repository."""
    contributing = Path("CONTRIBUTING.md")
    before, _, rest = (ROOT / contributing).read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    return {contributing: f"{before}{BEGIN}\n{listed()}\n{END}{after}", Path("docs/reference/tree.md"): tree()}
