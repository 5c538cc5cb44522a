"""docs/faq.md quotes errors by their words: small cases raise every one of them."""

import re
from pathlib import Path

import pytest
from faq_cases import cases

import interp

FAQ = (Path(__file__).parents[2] / "docs" / "faq.md").read_text(encoding="utf-8")
QUOTED = re.findall(r"^### `(.+)`$", FAQ, re.M)


def quotes(quoted: str, message: str) -> bool:
    """Whether a message begins with what is quoted, `…` for anything."""
    # "cuda:1 …" is a message's own mark, and anything as well.
    return re.match(".*".join(map(re.escape, quoted.split("…"))), message, re.S) is not None


def test_every_quoted_message_is_raised(tmp_path: Path, as_users_run_it: None) -> None:
    calls = cases(tmp_path)
    assert len(calls) == len(QUOTED) >= 15
    for quoted, call in zip(QUOTED, calls, strict=True):
        with pytest.raises(interp.InterpError) as raised:
            call()
        assert quotes(quoted, str(raised.value)), f"{quoted}\n{raised.value}"


def test_another_message_is_not_taken_for_it() -> None:
    assert quotes("labels: expected one per sample (…), got …", "labels: expected one per sample (40), got 39")
    assert not quotes("labels: expected one per sample (…), got …", "labels: expected one per group (40), got 39")
    assert not quotes("no such file", "there is no such file")


def test_every_error_says_what_to_do() -> None:
    for part in FAQ.split("\n### ")[1:]:
        said = part.partition("\n\n")[2].split("\n## ")[0].strip()
        assert len(said.split()) >= 12, part
