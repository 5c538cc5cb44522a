"""The paper's code against the paper's rules written out as loops, and the whole chain on a tiny model."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split

import interp
from interp.capturing.activations import Capture
from interp.capturing.roles import ROLES
from interp.command.cli import main
from interp.experiments.orgad.labels import by_gold, paper_span, paper_split, substring_match
from interp.experiments.orgad.preset import paper_answers, paper_grid, paper_positions
from interp.experiments.orgad.run import paper_run, write_paper
from interp.generating.prompts import decoder
from interp.labelling.answers import Answers


def characters(ids):
    """A tokenizer of one or two characters a token."""
    return "".join("abcdefghijklmnop qrstuvwxyz"[i] if i < 27 else "an" for i in ids)


def answers_of(prompts, completions, correct, spans=None) -> Answers:
    n = len(prompts)
    return Answers(
        id=[str(i) for i in range(n)],
        question=list(map(characters, prompts)),
        group=[str(i) for i in range(n)],
        prompt=list(map(characters, prompts)),
        prompt_ids=prompts,
        completion_ids=completions,
        text=list(map(characters, completions)),
        finish=["stop"] * n,
        logprobs=[None] * n,
        correct=correct,
        exact_answer=[None] * n,
        exact_answer_method=[None] * n,
        exact_answer_tokens=[None] * n if spans is None else spans,
        question_tokens=[None] * n,
        status=["ok"] * n,
    )


@given(st.lists(st.sampled_from([0, 1, 13, 27]), min_size=1, max_size=10), st.text("ABan", min_size=1, max_size=3))
def test_the_span_is_the_last_shortest_window_of_the_first_text(completion, wanted):
    ids, n_prompt = [0, 13, *completion], 2
    span, text = paper_span(ids, n_prompt, wanted, characters), characters(completion)
    at = text.lower().find(wanted.lower())
    if at < 0:
        assert span is None
        return
    cut = text[at : at + len(wanted)]
    holding = [
        (stop, -first)
        for first in range(n_prompt, len(ids))
        for stop in range(first + 1, len(ids) + 1)
        if cut in characters(ids[first:stop])
    ]
    stop, first = min(holding)  # ends first, then begins last
    assert span == (-first, stop - 1)


def test_positions_clamp_and_count_back_into_the_prompt():
    answers = answers_of([[0, 1, 2], [0] * 9, [0]], [[3, 4], [5] * 9, [6]], [True] * 3, [(4, 4), (10, 11), None])
    positions = paper_positions(answers)
    at = [dict(zip(ROLES, row, strict=True)) for row in positions.index.tolist()]
    assert at[0]["exact_answer_after_last"] == at[0]["exact_answer_last"] == at[0]["-1"] == 4
    assert (at[0]["-5"], at[0]["-3"], at[0]["last_q"], at[0]["exact_answer_before_first"]) == (0, 2, 2, 3)
    assert at[0]["-6"] == -1 and at[1]["-8"] == 10 and at[1]["exact_answer_after_last"] == 12
    assert at[2]["second_answer"] == -1 and at[2]["exact_answer_first"] == -1 and at[2]["-2"] == 0
    default = interp.resolve_positions(answers)
    differs = {role for j, role in enumerate(ROLES) if positions.index[1, j] != default.index[1, j]}
    assert not differs  # a long completion is indexed alike


def test_the_split_is_scikit_learns_after_numpys_shuffle():
    state = np.random.get_state()
    train, held_out = paper_split(1500, seed=3)
    assert np.array_equal(np.random.get_state()[1], state[1])
    np.random.seed(3)
    indices = np.arange(1500)
    np.random.shuffle(indices)
    expected = train_test_split(indices[:1000], test_size=0.2, random_state=3)
    np.random.set_state(state)
    assert np.array_equal(train, expected[0]) and np.array_equal(held_out, expected[1])
    assert (len(train), len(held_out)) == (800, 200)


def rows_of(*rows):
    return interp.load_rows([dict(zip(("question", "answer", "wrong_answer"), row, strict=False)) for row in rows])


def test_correct_is_a_substring():
    (iran,) = rows_of(("Where?", "Iran"))
    assert substring_match(iran, "In Tirana.", "contains") is True
    assert substring_match(iran, "In Albania.", "contains") is False
    number, whole = rows_of(("How many?", "28.26"), ("How many?", "9"))
    assert substring_match(number, "about 28", "numeric") and substring_match(whole, "19 or so", "numeric")
    assert not substring_match(whole, "eight", "numeric")
    (pair,) = rows_of(("Who?", "cook", "baker"))
    assert substring_match(pair, "the Cook, not the baker", "choice")
    assert not substring_match(pair, "the baker, not the cook", "choice")
    several = replace(pair, wrong_answer=("baker", "driver"))
    assert substring_match(several, "the cook, not the driver", "choice")
    assert not substring_match(several, "the driver, not the cook", "choice")
    offered = replace(pair, options=("baker", "cook"))
    assert substring_match(offered, "B", "contains") and not substring_match(offered, "A", "contains")
    assert not substring_match(pair, "the driver", "choice")
    labels = rows_of(("a", ["neutral", "neutrality"]), ("b", ["entailment", "entail"]))
    named = [answer for row in labels for answer in row.answers]
    assert substring_match(labels[0], "It is neutral, no entailment", "label", named)
    assert not substring_match(labels[0], "It entails nothing; neutral", "label", named)


@pytest.mark.parametrize(
    ("answer", "said", "right"),
    [
        ("1,234", "It has 1,234 seats.", True),
        ("1,234", "It has 1234 seats.", True),
        ("1,234", "It has 234 seats.", False),
        ("3/4", "About 3/4 of them.", True),
        ("3/4", "That is 0.75 exactly.", True),
        ("50 %", "Half: 50 %.", True),
        ("nine", "There are Nine.", True),
        ("nine", "There are 8.", False),
        ("nan", "It is nan.", True),
        ("inf", "There is no end.", False),
        ("1e400", "Very many.", False),
        ("9" * 400, "Very many.", False),
    ],
)  # fmt: skip
def test_an_accepted_answer_that_pythons_float_cannot_read_counts_as_it_stands(answer, said, right):
    """The paper's code calls float() on it and stops with an error."""
    (row,) = rows_of(("How many?", answer))
    assert substring_match(row, said, "numeric") is right
    answers = replace(answers_of([[0], [2]], [[1, 1], [1, 1]], [True, True]), text=[said, said])
    found = by_gold(answers, [row, row], lambda ids: said if len(ids) > 1 else said[:1], numeric=True)
    assert (found.exact_answer[0] is not None) is right


def test_right_answers_are_found_by_gold_and_equal_prompts_share_a_span():
    prompt = [0, 1]
    completions = [[13, 27, 1], [27, 13, 1], [1, 1, 27]]
    answers = answers_of([prompt, prompt, [2]], completions, [True, True, False])
    answers.exact_answer[2] = "an"
    answers.exact_answer_method[2] = "candidates"
    found = by_gold(answers, rows_of(("a", "an"), ("b", "b"), ("c", "x")), characters)
    visited = [i for i in np.concatenate(paper_split(3)).tolist() if i != 2]
    own = {0: (3, 3), 1: (4, 4)}
    assert found.exact_answer == ["an", "b", "an"]
    assert found.exact_answer_tokens[0] == found.exact_answer_tokens[1] == own[visited[0]]
    assert found.exact_answer_tokens[2] == (3, 3)
    assert found.exact_answer_method == ["gold", "gold", "candidates"] and found.span_uses_gold


def test_a_wrong_choice_is_found_by_the_wrong_answer_and_a_number_by_its_rounded_form():
    completions = [[27, 1, 0], [1, 0, 27]]
    answers = answers_of([[0], [1]], completions, [True, False])  # "anba", "baan"
    found = by_gold(answers, rows_of(("a", "an", "b"), ("b", "an", "b")), characters)
    assert found.exact_answer == ["an", "b"] and found.exact_answer_tokens == [(1, 1), (1, 1)]

    def digits(ids):
        return "".join("0123456789. "[i] for i in ids)

    numbers = answers_of([[0], [1], [2]], [[2, 8, 10, 2, 6], [2, 8, 10, 0], [1, 11, 2]], [True, True, True])
    said = replace(numbers, text=list(map(digits, numbers.completion_ids)))  # "28.26", "28.0", "1 2"
    found = by_gold(said, rows_of(("a", "28.26"), ("b", "28"), ("c", "2")), digits, numeric=True)
    assert found.exact_answer == ["28", "28", "2"] and found.exact_answer_tokens == [(1, 2), (1, 2), (3, 3)]


def test_the_grid_is_the_papers_loop():
    rng, n = np.random.default_rng(0), 120
    y = rng.random(n) < 0.6
    x = rng.normal(size=(n, 2, 15, 6)).astype(np.float32)
    x[:, 1, 5, 0] += 2 * y
    spans = [None if i % 10 == 0 else (2, 2) for i in range(n)]
    answers = answers_of([[0, 1]] * n, [[2, 3]] * n, y.tolist(), spans)
    cap = Capture(
        sites={"mlp_post": torch.tensor(x)},
        embed=torch.zeros(n, 15, 6),
        attention={},
        valid=torch.ones(n, 15, dtype=torch.bool),
        index=torch.zeros(n, 15, dtype=torch.long),
        layers=(0, 1),
        roles=ROLES,
        id=tuple(answers.id),
    )
    grid = paper_grid(cap, answers, seed=1)
    train, held_out = paper_split(n, seed=1)
    train, held_out = train[train % 10 != 0], held_out[held_out % 10 != 0]
    for layer, role in ((0, 0), (1, 5)):
        probe = LogisticRegression(random_state=1).fit(x[train, layer, role], y[train])
        expected = roc_auc_score(y[held_out], probe.predict_proba(x[held_out, layer, role])[:, 1])
        assert grid["auc"].values[layer, role] == expected
    assert grid["auc"].sel(layer=1, token="exact_answer_last").item() > 0.8
    assert set(grid["n"].values.ravel()) == {len(held_out)} and grid.attrs["span_uses_gold"] == 0
    interp.plot_grid(grid)


@pytest.mark.parametrize("chat", [False, True])
def test_the_chain_on_a_tiny_model(llama, monkeypatch, chat):
    from interp.models.loading import model_tokenizer

    template = "{% for m in messages %}[{{ m.role }}] {{ m.content }}\n{% endfor %}{% if add_generation_prompt %}[model]{% endif %}"
    monkeypatch.setattr(model_tokenizer(llama), "chat_template", template if chat else None)
    rows = rows_of(*((f"Who is no {i}?", "e", "zz") for i in range(12)))
    answers = paper_answers(llama, rows, dataset="movies", max_new_tokens=5)
    prompt = "[user] Who is no 0?\n" if chat else "Q: Who is no 0?\nA:"
    assert answers.prompt[0] == prompt and answers.span_uses_gold
    assert answers.correct == ["e" in text.lower() for text in answers.text]
    cap = interp.capture(llama, answers, paper_positions(answers), sites=("mlp_post",))
    grid = paper_grid(cap, answers)
    assert grid["auc"].shape == (3, 15) and grid["n"].max() <= 3


def test_interp_paper_beside_a_finished_run(llama_folder, tmp_path, capsys) -> None:
    """The grid of the functions on the run's own answers, whose one wrong label is mended by the substring match."""
    rows = [
        {"question": f"Where is city {i}?", "answer": "France", "completion": f" In {('France', 'Spain')[i % 2]}, far."}
        for i in range(40)
    ]
    rows[1]["completion"] = " In Francetown, I think."  # right for the paper's code only
    path, out = tmp_path / "rows.jsonl", tmp_path / "run"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    options = {"candidates": ("France", "Spain"), "permutations": 0, "controls": False}
    run = interp.run(model=llama_folder, data=path, out=out, n_jobs=1, **options)
    files = {file.name for file in out.iterdir()}
    assert main(["paper", str(out)]) == 0
    said = capsys.readouterr().out
    assert "of 40 samples 1 have another label, 1 their exact answer at other tokens" in said
    assert {file.name for file in out.iterdir()} == files | {"paper_grid.csv"}
    assert (out / "figures" / "paper_grid.png").stat().st_size

    model = interp.load_model(llama_folder)
    loaded = interp.load_rows(path)
    labels = [substring_match(row, text, "contains") for row, text in zip(loaded, run.answers.text, strict=True)]
    answers = by_gold(replace(run.answers, correct=labels), loaded, decoder(model.tokenizer))
    positions = paper_positions(answers)
    grid = paper_grid(interp.capture(model, answers, positions, sites=("mlp_post",)), answers)
    table = pd.read_csv(out / "paper_grid.csv", dtype={"token": str}).set_index(["layer", "token"])
    for layer in range(3):
        for token in ROLES:
            cell, line = {"layer": layer, "token": token}, table.loc[(layer, token)]
            np.testing.assert_equal(line["paper_auc"], grid["auc"].sel(cell).item())
            np.testing.assert_equal(line["default"], run.probe["auc"].sel(cell).item())

    rows[0]["question"] = "Where is another city?"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert main(["paper", str(out)]) == 2 and "the data changed since the run" in capsys.readouterr().err


def test_a_run_with_processed_weights_is_probed_too(llama_folder, tmp_path, capsys) -> None:
    """Its model is loaded as the run loaded it, or its weights would not be the run's."""
    rows = [
        {
            "question": f"How many {i}?",
            "answer": ["1,234", "3/4"][i % 2],
            "completion": f" About {['1,234', '5'][i % 3 > 0]}.",
        }
        for i in range(40)
    ]
    options = {"correct": "numeric", "permutations": 0, "controls": False, "processed_weights": True}
    options["roles"] = ("last_q", "exact_answer_last")
    out = tmp_path / "run"
    interp.run(model=llama_folder, data=rows, out=out, n_jobs=1, exact_answer="last_number", **options)
    run = interp.open_run(out)
    grid = paper_run(run, data=rows)
    assert grid["auc"].shape == (3, 15)
    (out / "seed_grid.csv").write_text("an older folder's\n")
    write_paper(run, grid)
    assert (out / "seed_grid.csv").read_text() == "an older folder's\n" and (out / "paper_grid.csv").stat().st_size


def test_the_grid_finds_samples_by_their_ids():
    n, rng = 40, np.random.default_rng(0)
    answers = answers_of([[0, 1]] * n, [[2, 3]] * n, (np.arange(n) % 2 == 0).tolist(), [(2, 2)] * n)
    order = rng.permutation(n)
    x = torch.tensor(rng.normal(size=(n, 1, 1, 4)))

    def capture_of(rows) -> Capture:
        return Capture(
            sites={"mlp_post": x[rows]}, embed=None, attention={}, valid=torch.ones(len(rows), 1, dtype=torch.bool),
            index=torch.zeros(len(rows), 1, dtype=torch.long), layers=(0,), roles=("a",), id=tuple(str(i) for i in rows),
        )  # fmt: skip

    assert paper_grid(capture_of(range(n)), answers).equals(paper_grid(capture_of(order.tolist()), answers))
    with pytest.raises(interp.DataError, match="1 of 40 answers were not captured, first '39'"):
        paper_grid(capture_of(range(n - 1)), answers)


def test_options_of_the_answers_are_checked(llama):
    rows = rows_of(("Where?", "here"), ("When?", "now"))
    with pytest.raises(
        interp.DataError, match="paper_answers: there is no option 'max_tokens'; did you mean 'max_new_tok"
    ):
        paper_answers(llama, rows, max_tokens=3)
    with pytest.raises(
        interp.DataError, match="correct: expected one of contains, .*, got 'numerical'; did you mean 'numeric'"
    ):
        paper_answers(llama, rows, correct="numerical")
    with pytest.raises(interp.ModelError, match="no chat template"):
        paper_answers(llama, rows, chat=True)


def test_the_old_names_go_on_with_a_warning(llama_folder, tmp_path, capsys):
    import interp.seed_preset
    import interp.seed_run

    for old, new in (
        (lambda: interp.seed_answers, paper_answers),
        (lambda: interp.seed_positions, paper_positions),
        (lambda: interp.seed_grid, paper_grid),
        (lambda: interp.seed_preset.by_gold, by_gold),
        (lambda: interp.seed_preset.seed_split, paper_split),
        (lambda: interp.seed_run.write_seed, write_paper),
        (lambda: interp.seed_run.seed_run, paper_run),
    ):
        with pytest.warns(FutureWarning, match="the old name goes with the next release"):
            assert old() is new
    with pytest.raises(AttributeError, match="no attribute 'seed_gird'"):
        _ = interp.seed_preset.seed_gird
    assert main(["seed", str(tmp_path)]) == 2  # it is no run, and that comes after the notice
    assert capsys.readouterr().err.startswith("interp: `seed` is now `interp paper`; the old name goes with")
