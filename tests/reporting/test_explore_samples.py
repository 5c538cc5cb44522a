"""Which samples a page lists, where roles and the exact answer stand in their text, and that nothing is dropped silently."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from page_data import ranks as unpacked
from synthetic_grids import make_samples, make_scores

from interp.errors import UNSEEN
from interp.reporting import explore_samples
from interp.reporting.explore_cells import ScoredGrid
from interp.reporting.explore_page import explore_script
from interp.reporting.explore_samples import RoleTexts, all_ranks, choose, exact_span, packed, sample_view
from interp.reporting.explore_tokens import LONGEST, Completion, role_places

ROLES = ["last_q", "exact_answer_first", "exact_answer_last", "-1"]


def listed(monkeypatch, *, n: int = 300, cells: int = 24, samples: int = 60, characters: int = 10**6, order=None):
    """What is chosen of a grid, with room for the ranks of so many samples."""
    monkeypatch.setattr(explore_samples, "RANK_BYTES", cells * samples)
    monkeypatch.setattr(explore_samples, "TEXT_CHARACTERS", characters)
    grid = make_scores(n=n, signal=2.0)
    lines = make_samples(grid)
    if order is not None:
        grid, lines = grid.isel(sample=order(np.arange(n))), [lines[i] for i in order(np.arange(len(lines)))]
    scored = {"probe": ScoredGrid(grid)}
    ranks = {"probe": all_ranks(scored["probe"])}
    found = choose(lines, scored, ranks)
    return found, lines, scored["probe"], ranks["probe"]


def test_all_samples_are_listed_where_they_fit(monkeypatch) -> None:
    found, _, _, _ = listed(monkeypatch, n=40)
    assert found.chosen.tolist() == list(range(43)) and found.sentence() == "All 43 samples are listed."


def test_of_many_every_cell_lists_its_most_wrongly_scored(monkeypatch) -> None:
    found, lines, grid, ranks = listed(monkeypatch)
    assert len(found.drawn) == 60 and found.depth == explore_samples.DEEPEST
    assert (
        "Of 303 samples, every cell lists the 20 that it scores most wrongly, and 60 drawn at random"
        in found.sentence()
    )
    ids = [lines[i]["id"] for i in found.chosen]
    assert len({*ids}) == len(ids)
    run = {"samples": [{"id": name} for name in ids], "ranks": {"probe": packed(grid, ranks, ids, found)}}
    known = unpacked(run, "probe", "3", "exact_answer_first")
    percent = grid.percent("3", "exact_answer_first")
    wrongness = {name: 100 - p if y else p for name, p, y in zip(grid.samples, percent, grid.y, strict=True)}
    worst = sorted(wrongness, key=wrongness.__getitem__, reverse=True)[:15]
    assert {*worst} <= {*known}
    assert all(
        value == pytest.approx(percent[grid.samples.index(name)], abs=0.21)
        for name, value in known.items()
        if name in grid.samples
    )


def test_the_choice_does_not_depend_on_the_order_of_samples(monkeypatch) -> None:
    found, lines, _, _ = listed(monkeypatch)
    turned, backwards, _, _ = listed(monkeypatch, order=lambda i: i[::-1])
    for part in ("drawn", "wrong"):
        assert {lines[i]["id"] for i in getattr(found, part)} == {backwards[i]["id"] for i in getattr(turned, part)}


def test_long_texts_leave_room_for_fewer(monkeypatch) -> None:
    found, lines, _, _ = listed(monkeypatch, characters=3000)
    shown = sum(len(lines[i]["question"]) + len(lines[i]["completion"]) for i in found.chosen)
    assert 1500 < shown <= 3000 and len(found.drawn) < 60 and found.depth < explore_samples.DEEPEST


LINE = {
    "id": "a", "question": "q", "completion": " It is in Mali, in Mali.", "exact_answer": "Mali",
    "exact_answer_chars": [19, 23], "exact_answer_tokens": [7, 8], "prompt_ids": [0, 1], "completion_ids": list(range(9)),
    "positions": {"last_q": 1, "first_answer": 2, "exact_answer_before_first": 6, "exact_answer_first": 7,
                  "exact_answer_last": 8, "exact_answer_after_last": 9, "-1": 10, "mean:completion": [2, 10], "none": None},
    "correct": True, "status": "ok",
}  # fmt: skip
TEXTS = {
    "last_q": ":", "first_answer": " It", "exact_answer_before_first": " in", "exact_answer_first": " Ma",
    "exact_answer_last": "li", "exact_answer_after_last": ".", "-1": "</s>", "mean:completion": LINE["completion"],
}  # fmt: skip


def test_roles_stand_where_their_tokens_are() -> None:
    names = list(LINE["positions"])
    view = sample_view(LINE, names, RoleTexts({"a": TEXTS}, frozenset({"mean:completion"})), [(3, -2), (17, 0)])
    parts = [(names[i], piece[0]) for piece in view["pieces"] if isinstance(piece, list) for i in piece[3]]
    at = {name: "".join(text for role, text in parts if role == name) for name, _ in parts}
    assert at == {
        "first_answer": " It", "exact_answer_before_first": " in", "exact_answer_first": " Ma", "exact_answer_last": "li",
        "exact_answer_after_last": ".",
    }  # fmt: skip
    assert "".join(piece if isinstance(piece, str) else piece[0] for piece in view["pieces"]) == LINE["completion"]
    assert [piece[0] for piece in view["pieces"] if isinstance(piece, list) and piece[1]] == ["Ma", "li"]
    assert view["pieces"][0] == [" It", 0, -2, [1]]
    assert view["tokens"] == [*TEXTS.values(), None] and view["label"] == 1


words = st.lists(st.sampled_from(["a", "b", " a", "ab", " "]), min_size=1, max_size=12)


@given(words, st.data())
def test_a_token_is_placed_where_it_is_or_nowhere(tokens, data) -> None:
    """Whatever is known of the tokens: what is placed stands at its own characters."""
    n_prompt, text = 5, "".join(tokens)
    begins = np.cumsum([0, *map(len, tokens)])
    known = data.draw(st.sets(st.integers(0, len(tokens) - 1)))
    one = data.draw(st.integers(0, len(tokens) - 1))
    exact = ((n_prompt + one, n_prompt + one), (int(begins[one]), int(begins[one + 1])))
    found = role_places(text, {n_prompt + i: tokens[i] for i in known}, first=n_prompt, last=n_prompt + len(tokens) - 1)
    for index, (low, high) in found.items():
        assert (low, high) == (begins[index - n_prompt], begins[index - n_prompt + 1])
    assert {n_prompt, n_prompt + len(tokens) - 1} & {n_prompt + i for i in known} <= {*found}
    with_exact = role_places(
        text, {n_prompt + i: tokens[i] for i in known}, first=n_prompt, last=n_prompt + len(tokens) - 1, exact=exact
    )
    assert {*found} <= {*with_exact}


def test_long_completions_are_shortened_around_what_matters() -> None:
    text = "x" * 5000 + "Mali" + "y" * 5000
    pieces = Completion(text, (5000, 5004)).pieces([])
    kept = "".join("" if piece is None else piece if isinstance(piece, str) else piece[0] for piece in pieces)
    assert pieces.count(None) == 2 and "xMaliy" in kept and len(kept) <= LONGEST
    assert (
        ["Mali", 1, 0, []] in pieces and Completion("short").pieces([]) == ["short"] and Completion("").pieces([]) == []
    )


@pytest.mark.parametrize(
    ("completion", "answer", "chars", "expected"),
    [
        ("5 apples, then 5", "5", [15, 16], (15, 16)),
        ("首都は東京、東京です", "東京", [6, 8], (6, 8)),
        ("It is in Mali0", "Mali", None, None),
        ("It is in Mali0", "Mali", [90, 94], None),
        ("It is in Mali.", "Mali", "lacking", (9, 13)),  # of before places were kept: one place only
        ("banana", "ana", "lacking", None),
        ("nothing", None, "lacking", None),
    ],
)
def test_the_exact_answer_is_marked_where_it_was_located(completion, answer, chars, expected) -> None:
    line = {"completion": completion, "exact_answer": answer} | (
        {} if chars == "lacking" else {"exact_answer_chars": chars}
    )
    assert exact_span(line) == expected


def test_the_page_writes_out_the_characters_that_a_terminal_does() -> None:
    script = explore_script(["explore_samples.js"])
    (pattern,) = re.findall(r"const UNSEEN = /\[(.*)\]/gu;", script)
    seen = re.compile(f"[{pattern}]")
    every = [chr(code) for code in range(0x110000)]
    assert [c for c in every if seen.search(c)] == [c for c in every if UNSEEN.search(c) and c not in "\n\t"]
