"""Turns of a chat as rows bring them."""

import json

import pytest

from interp.data.rows import QARow, load_rows
from interp.data.turns import read_turns
from interp.errors import DataError

TURNS = (("system", "Be short."), ("user", "Where is Rome?"), ("assistant", "Italy."), ("user", "And Lyon?"))
AS_DICTS = [{"role": role, "content": text} for role, text in TURNS]


@pytest.mark.parametrize(
    "value",
    [
        AS_DICTS,
        json.dumps(AS_DICTS),
        TURNS,
        [{"role": role, "content": [{"type": "text", "text": text}]} for role, text in TURNS],
        [
            {"from": {"user": "human", "assistant": "gpt"}.get(role, role), "value": text}
            for role, text in TURNS
        ],
    ],
)  # fmt: skip
def test_every_way_of_writing_turns(value):
    assert read_turns("here", value) == TURNS
    (row,) = load_rows([{"messages": value, "answer": "France"}])
    assert row.messages == TURNS and row.question == "And Lyon?"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("Hello", "expected a list of turns as JSON"),
        ([], "expected a list of turns"),
        ([{"text": "x"}], r"messages\[0\]: expected \{role, content\}"),
        *(
            ([{"from": role, "value": "x"}], r"messages\[0\]: expected a role of ")
            for role in (["a"], {"a": 1}, None, 3)
        ),
        ([{"role": ["user"], "content": "x"}], r"expected a role of .*, got \['user'\]"),
        ([{"role": "boss", "content": "x"}], "expected a role of system, developer, user"),
        ([{"role": "user", "content": [{"type": "image", "url": "x"}]}], "got a part that is none"),
        (AS_DICTS[:3], "the last turn is an assistant's; give it as `completion`"),
        (AS_DICTS[:1], "the last turn has to be the user's"),
        (3, "expected a list of turns"),
    ],
)
def test_what_is_no_conversation(value, message):
    with pytest.raises(DataError, match=message):
        load_rows([{"messages": value, "answer": "France"}])


def test_absent_turns_are_absent():
    assert read_turns("here", None) is read_turns("here", " ") is None
    row = QARow("a", "Where?", ("there",), system="Be short.", messages=AS_DICTS)
    assert row.messages == TURNS and row.system == "Be short."
