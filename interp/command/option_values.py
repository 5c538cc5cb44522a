"""Command-line texts read as what they mean: strengths, columns, chat variables, roles, and what stands in files."""

import argparse
import json
from pathlib import Path
from typing import Any

from interp.data.readers import read_files
from interp.errors import DataError, InterpError


def strengths(text: str) -> float | str | tuple[float, ...]:
    """`--C`: a number, several of them, or cv."""
    if text == "cv":
        return text
    try:
        numbers = tuple(float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a number, several as in 0.01,0.1,1, or cv, got {text!r}") from None
    return numbers if len(numbers) > 1 else numbers[0]


def columns(text: str) -> dict[str, str]:
    """`--columns`: field=column, several of them separated by commas."""
    pairs = [part.partition("=") for part in text.split(",")]
    if not all(field and equals and column for field, equals, column in pairs):
        raise argparse.ArgumentTypeError(f"expected FIELD=COLUMN,… as in question=Question,answer=Answer, got {text!r}")
    return {field.strip(): column.strip() for field, _, column in pairs}


def chat_options(texts: list[str]) -> dict[str, Any]:
    """`--chat-option`: {name: value}; true, false, null and numbers as such, anything else as text."""
    options: dict[str, Any] = {}
    for name, equals, value in (text.partition("=") for text in texts):
        if not equals or name in options:
            wrong = "given twice" if name in options else "expected NAME=VALUE, as in enable_thinking=false"
            raise InterpError(f"--chat-option {name}: {wrong}")
        try:
            read = json.loads(value.casefold() if value.casefold() in ("true", "false", "null") else value)
        except ValueError:
            read = value
        options[name] = read if isinstance(read, bool | int | float | None) else value
    return options


def roles(texts: list[str]) -> dict[str, str]:
    """`--role`: {name: role}; what a role is, `interp.capturing.role_text` says."""
    found: dict[str, str] = {}
    from interp.capturing.role_text import landmark_form, split_name
    from interp.capturing.roles import THOUGHT_ROLES

    for name, role in map(split_name, texts):
        if role is None:
            if name in THOUGHT_ROLES:
                found[name] = str(THOUGHT_ROLES[name])
                continue
            form = landmark_form(name) or "exact_last+3"
            raise InterpError(f"--role {name}: expected NAME=ROLE, a column's own name and its role, as in mine={form}")
        if name in found:
            raise InterpError(f"--role {name}: given twice; give every column a name of its own")
        found[name] = role
    return found


def file_text(path: Path | None, what: str) -> str | None:
    """What stands in a file that an option names; None: not given."""
    if path is None:
        return None
    if path.exists() and not path.is_file():
        raise InterpError(f"{what} {path}: expected a file, got a folder, a pipe or a device; write it into a file")
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InterpError(f"{what} {path} cannot be read: {error}") from error


def template_text(path: Path | None) -> str | None:
    """A prompt template read from its file."""
    text = file_text(path, "the prompt template")
    # Editors end a file with a line break that is no part of the prompt.
    return None if text is None else text.removesuffix("\n")


def labels_by_id(path: Path, what: str) -> dict[str, str]:
    """{sample id: label} of a table with these columns.

    Raises DataError for a line without them, or an id that stands there twice.
    """
    found: dict[str, str] = {}
    for where, row in read_files(path):
        lacking = [name for name in ("id", "label") if row.get(name) is None or str(row[name]) == ""]
        if lacking:
            raise DataError(f"{what}: {where} has no {' and no '.join(lacking)}; expected the columns id and label")
        if (name := str(row["id"])) in found:
            raise DataError(f"{what}: {where} is the second line of the sample {name}; give each one label")
        found[name] = str(row["label"])
    return found


def cell(text: str) -> tuple[int, str]:
    """`7,exact_answer_last` as layer and role."""
    layer, _, role = text.partition(",")
    if not layer.strip().isdecimal() or not role.strip():
        raise argparse.ArgumentTypeError(f"expected LAYER,ROLE, as 7,exact_answer_last, got {text!r}")
    return int(layer), role.strip()
