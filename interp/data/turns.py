"""The turns of a chat that a row brings before its question."""

import json
from collections.abc import Mapping
from typing import Any

from interp.errors import DataError
from interp.support.arguments import one_text
from interp.support.messages import shown

ROLES = ("system", "developer", "user", "assistant", "tool")
SHAREGPT = {"human": "user", "gpt": "assistant"}
"""Its names of these, in turns {from, value}."""

Turns = tuple[tuple[str, str], ...]
"""(role, text), in order."""


def read_turns(where: str, value: Any) -> Turns | None:
    """The turns of a conversation up to the one to be answered: a list of {role, content}, or such a list as JSON.

    Raises DataError unless it ends with a user's turn: an assistant's last turn may be what a model said, or what is
    right, and nobody can tell which.
    """
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise DataError(f"{where}: expected a list of turns as JSON, got {shown(value)}") from None
    if not isinstance(value, list | tuple) or not value:
        raise DataError(f"{where}: expected a list of turns {{role, content}}, got {shown(value)}")
    turns = tuple(_turn(f"{where}[{number}]", turn) for number, turn in enumerate(value))
    if turns[-1][0] == "assistant":
        raise DataError(
            f"{where}: the last turn is an assistant's; give it as `completion` if a model said it, as `answer` if it "
            "is the accepted answer, and end the messages with the user's turn"
        )
    if turns[-1][0] != "user":
        raise DataError(f"{where}: the last turn has to be the user's, which is answered; it is of {turns[-1][0]!r}")
    return turns


def _turn(where: str, turn: Any) -> tuple[str, str]:
    if isinstance(turn, list | tuple) and len(turn) == 2:
        role, content = turn
    elif isinstance(turn, Mapping) and "content" in turn and "role" in turn:
        role, content = turn["role"], turn["content"]
    elif isinstance(turn, Mapping) and "value" in turn and "from" in turn:
        role, content = turn["from"], turn["value"]
        role = SHAREGPT.get(role, role) if isinstance(role, str) else role
    else:
        raise DataError(f"{where}: expected {{role, content}}, got {shown(turn)}")
    if not isinstance(role, str) or role not in ROLES:
        raise DataError(f"{where}: expected a role of {', '.join(ROLES)}, got {shown(role)}")
    if isinstance(content, list | tuple):  # parts, of which only texts can be asked
        if not all(isinstance(part, Mapping) and isinstance(part.get("text"), str) for part in content):
            raise DataError(f"{where}: expected text, got a part that is none: {shown(content)}")
        content = "".join(part["text"] for part in content)
    return role, one_text(f"{where}.content", content)
