"""Fuzzed: row readers, and the finding of spans in what a model wrote."""

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from fuzz_damage import VALUES, Target, damaged_bytes, damaged_json, damaged_lines, one_of
from hypothesis import strategies as st

import interp
from interp.text.chosen_option import chosen
from interp.text.comparable import comparable
from interp.text.final_number import final_number
from interp.text.matching import CandidateFinder
from interp.text.numerals import numerals
from interp.text.short_answer import first_line, short_answer
from interp.text.spans import TokenText
from interp.text.thoughts import parts_of

FIXTURES = Path(__file__).resolve().parents[1] / "tests" / "fixtures"


_FIELDS = (
    "id question answer answers prompt context system messages wrong_answer options choices label group prompt_ids "
    "completion completion_ids exact_answer correct paragraphs data doc resps filtered_resps custom_id response "
    "request samples model_answer target is_impossible answerable answerKey A B C D text role content"
)
FIELDS = _FIELDS.split()
RECORDS = st.lists(st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=7), max_size=4)


def rows_target(folder: Path) -> Target:
    """Row readers: JSON lines, JSON, CSV, TSV, Parquet, archives and logs, packed or not."""
    kinds = (".jsonl", ".json", ".csv", ".tsv", ".eval")
    files = [path for path in sorted(FIXTURES.rglob("*")) if path.suffix in kinds and path.stat().st_size < 30000]
    by_kind = {kind: [path.read_bytes() for path in files if path.suffix == kind] for kind in kinds}
    by_kind[".parquet"] = [_parquet(folder)]
    objects = [json_lines(path) for path in files if path.suffix == ".jsonl"]
    wholes = [whole for path in files if path.suffix == ".json" for whole in _values(path)]

    def of_kind(kind: str) -> st.SearchStrategy[tuple[str, bytes]]:
        options = [damaged_bytes(one_of(by_kind[kind]))]
        if kind == ".jsonl":
            options += [damaged_lines(one_of(objects)), RECORDS.map(as_lines)]
        if kind == ".json":
            options += [damaged_json(one_of(wholes)), RECORDS.map(lambda records: json.dumps(records).encode())]
        packed = st.sampled_from([kind, kind, kind, f"{kind}.gz"])
        return st.tuples(packed, st.one_of(options))

    def check(drawn: tuple[str, bytes]) -> None:
        path = folder / f"rows{drawn[0]}"
        path.write_bytes(drawn[1])
        try:
            rows = interp.load_rows(path)
        finally:
            path.unlink()
        assert len({row.id for row in rows}) == len(rows)
        for row in rows:
            assert isinstance(row.question, str) and all(isinstance(answer, str) for answer in row.answers)
            assert row.answers or row.correct is not None

    return Target("row readers", st.sampled_from([*by_kind]).flatmap(of_kind), check)


def _parquet(folder: Path) -> bytes:
    import pyarrow as pa
    from pyarrow import parquet

    parquet.write_table(pa.table({"question": ["a?", "b?"], "answer": [["x"], ["y", "z"]]}), folder / "whole.parquet")
    return (folder / "whole.parquet").read_bytes()


def json_lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def _values(path: Path) -> list[Any]:
    """What a file of JSON holds: one value, or one a line."""
    with suppress(ValueError):
        return [json.loads(path.read_bytes())]
    return json_lines(path)


def as_lines(records: Sequence[Any]) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


_WORDS = (
    "the answer is|Answer:|\\boxed{|}|<think>|</think>|(A)|B.|option|not|1,234|3/4|½|-7|1e5|%|€ 3.50|forty-two|million|"
    "<|channel|>|analysis|final|<|message|>|```|**|\n|\n\n| |  |\t|\0|é|e\u0301|日本|，|。|\ud83d\ude00|ﬁ|İ|ß|'|\"|“|”|"
    "U.S.|No|Paris|paris|São Paulo|[ANSWER]|[/ANSWER]|$|\\frac{1}{2}|x = 3|=|–|…|\u202e|\ufffd|\u2028"
)
WORDS = _WORDS.split("|")
TALK = st.lists(st.sampled_from(WORDS) | st.text(max_size=5), max_size=25).map("".join)


def spans_target(_: Path) -> Target:
    """Span finding: which characters answer, and which tokens cover them."""

    def check(drawn: tuple[str, list[str], list[int]]) -> None:
        text, candidates, cuts = drawn
        found = [first_line(text), short_answer(text)]
        found += [(one.start, one.end) for one in (*numerals(text), final_number(text)) if one is not None]
        compared = comparable(text)
        if compared.text:
            found.append(compared.original(0, len(compared.text)))
        found += CandidateFinder(candidates).find(text)
        if candidates and (option := chosen(candidates, text)) is not None:
            assert option.options and option.options <= {*range(len(candidates))}
            found.append(option.span)
        for begun in (False, True):
            parts = parts_of(text, begun=begun)
            found += [span for span in vars(parts).values() if isinstance(span, tuple) and len(span) == 2]
        spans = [span for span in found if span is not None]
        assert all(0 <= begin <= end <= len(text) for begin, end in spans), (text, spans)
        _check_tokens(text, spans, cuts)

    return Target("span finding", st.tuples(TALK, st.lists(TALK, max_size=5), st.lists(st.integers(1, 6))), check)


def _check_tokens(text: str, spans: Sequence[tuple[int, int]], cuts: Sequence[int]) -> None:
    """Tokens of some bytes each, cut anywhere, against a search over every token."""
    content, pieces = text.encode("utf-8", "replace"), []
    for width in [*cuts, *[3] * len(content)]:
        if content:
            pieces.append(content[:width])
            content = content[width:]

    def decode(ids: Sequence[int]) -> str:
        return b"".join(pieces[i] for i in ids).decode("utf-8", "replace")

    ids = range(len(pieces))
    covered, whole = TokenText.of(decode, ids), decode(ids)
    assert covered.text == whole and covered.ends == sorted(covered.ends) and covered.ends[-1] == len(whole)
    ends = [_common(decode(range(stop)), whole) for stop in ids]
    assert covered.ends[:-1] == ends, (text, pieces)
    for begin, end in spans:
        hits = [token for token in ids if _overlap(covered.characters(token), (begin, end))]
        assert covered.tokens(begin, end) == ((hits[0], hits[-1]) if hits else None)


def _overlap(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return max(one[0], other[0]) < min(one[1], other[1])


def _common(first: str, second: str) -> int:
    return next(
        (i for i, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), min(len(first), len(second))
    )
