"""The example data: every row is usable, and an answer that is right for one country is never right for another."""

from pathlib import Path

from interp import load_rows
from interp.generating.prompts import PromptFormat
from interp.text.matching import CandidateFinder

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_a_country_is_never_found_in_the_name_of_another() -> None:
    rows = load_rows(EXAMPLES / "cities.jsonl")
    countries = {row.answers[0]: set() for row in rows}
    for row in rows:
        countries[row.answers[0]] |= set(row.answers)
    assert len(rows) == 1200 and len(countries) == 60
    for country, names in countries.items():
        accepted = CandidateFinder(names)
        assert not [name for other in countries if other != country for name in countries[other] if name in accepted]
    assert len({row.id for row in rows}) == len({row.group for row in rows}) == 1200
    assert not [row.question for row in rows if row.question in CandidateFinder(row.answers)]


def test_the_template_ends_where_the_answer_begins() -> None:
    template = (EXAMPLES / "cities_prompt.txt").read_text(encoding="utf-8")
    row = load_rows(EXAMPLES / "cities.jsonl")[0]
    text = PromptFormat(template, chat=False).filled(row)
    assert text.endswith(f"Q: {row.question}\nA:")
    assert text.count("\nA: ") == 4
