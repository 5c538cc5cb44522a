"""How the reference words what the code says: signatures, types and defaults, docstrings as Markdown."""

import ast
import inspect
import types
from collections.abc import Callable, Sequence
from dataclasses import MISSING, Field
from itertools import pairwise
from pathlib import Path
from textwrap import dedent
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import interp
from interp.support.explained import HEADING

FIFTEEN = (repr(interp.ROLES), "ROLES")
"""A long default, and its name."""


def signature(function: Callable[..., Any], called: str) -> str:
    """The call with its defaults, in lines of at most 100 characters; types stand in the table."""
    shown = inspect.signature(function)
    bare = [one.replace(annotation=inspect.Parameter.empty) for one in shown.parameters.values()]
    taken = [one for one in bare if one.name not in ("self", "cls")]
    text = str(shown.replace(parameters=taken, return_annotation=inspect.Signature.empty))[1:-1].replace(*FIFTEEN)
    lines = [f"{called}("]
    for part in text.split(", ") if text else []:
        lines[-1] += f"{part}, " if len(lines[-1]) + len(part) < 96 else ""
        if not lines[-1].endswith(f"{part}, "):
            lines.append(f"    {part}, ")
    lines[-1] = lines[-1].removesuffix(", ") + ")"
    return "\n".join(line.rstrip() for line in lines) + f" -> {plain(shown.return_annotation)}"


def default_of(parameter: inspect.Parameter) -> str:
    """What a parameter is where it is not given; nothing if it has to be."""
    return "" if parameter.default is inspect.Parameter.empty else f"`{parameter.default!r}`".replace(*FIFTEEN)


def default_of_field(field: Field[Any]) -> str:
    """What a field is where it is not given; nothing if it has to be."""
    if field.default_factory is not MISSING:
        return f"`{getattr(field.default_factory, '__name__', 'made')}()`"
    return "" if field.default is MISSING else f"`{field.default!r}`"


def words(kind: Any) -> str:
    """A type in a table: words where it has them, else code."""
    if get_origin(kind) in (Union, types.UnionType):
        parts = [words(one) for one in get_args(kind)]
        return ("; or " if any(" or " in part for part in parts) else " or ").join(parts)
    if get_origin(kind) is Annotated:
        return str(get_args(kind)[1])
    return "None" if kind is type(None) else f"`{plain(kind)}`"


def plain(kind: Any) -> str:
    """A type as it is written in code, without modules."""
    origin, args = get_origin(kind), get_args(kind)
    if isinstance(kind, str):
        return kind
    if isinstance(kind, list):
        return f"[{', '.join(map(plain, kind))}]"
    if kind is Ellipsis or kind is type(None) or kind is None:
        return "..." if kind is Ellipsis else "None"
    if origin is Annotated:
        return str(args[1]).replace("`", "")
    if origin is Literal:
        return " or ".join(map(repr, args))
    if origin in (Union, types.UnionType):
        return " or ".join(map(plain, args))
    if origin is not None and hasattr(origin, "__name__"):
        return f"{origin.__name__}[{', '.join(map(plain, args))}]"
    return str(getattr(kind, "__name__", kind)).replace("'", '"')


def under_assignments(body: list[ast.stmt]) -> dict[str, str]:
    """The docstrings that stand under assignments, by what is assigned."""
    found = {}
    for line, after in pairwise(body):
        if isinstance(line, ast.AnnAssign | ast.Assign) and isinstance(after, ast.Expr):
            target = line.target if isinstance(line, ast.AnnAssign) else line.targets[0]
            if isinstance(target, ast.Name) and isinstance(after.value, ast.Constant):
                found[target.id] = " ".join(inspect.cleandoc(str(after.value.value)).split())
    return found


def docstrings_of_fields(kind: type) -> dict[str, str]:
    """What a class says under each of its fields."""
    source = ast.parse(Path(inspect.getfile(kind)).read_text(encoding="utf-8"))
    named = next(node for node in ast.walk(source) if isinstance(node, ast.ClassDef) and node.name == kind.__name__)
    return under_assignments(named.body)


def markdown(text: str) -> str:
    """A docstring, its example in a code block, what is returned as a list; parameters have a table of their own."""
    parts = []
    for block in text.split("\n\n"):
        head, _, rest = block.partition("\n")
        if block.startswith(">>>"):
            parts.append(f"```pycon\n{block}\n```")
        elif block.startswith("    "):
            parts.append(f"```py\n{dedent(block)}\n```")
        elif head != HEADING and rest.startswith("    "):
            entries = [line.strip().partition(" (") for line in rest.splitlines() if line.strip()]
            parts.append("\n".join([head, "", *(f"- `{name}`{paren}{told}" for name, paren, told in entries)]))
        elif head != HEADING:
            parts.append(block)
    return "\n\n".join(parts) + "\n"


def table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = [header, tuple("---" for _ in header), *rows]
    cells = [[cell.replace("|", r"\|") for cell in line] for line in lines]
    return "".join(f"| {' | '.join(line)} |\n" for line in cells)
