"""One sample of a run: its tokens, its scores, its attention against Hugging Face's own pass, and what a notebook shows."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from read_html import HOSTILE, read

import interp
from interp.errors import DataError, ModelError, RunError
from interp.models.loading import load_model, model_tokenizer
from interp.reporting.sample_words import NO_CELL, NOT_SCORED, attention_key
from interp.runs.attention_html import TokenAttention, most_attended
from interp.runs.run_model import RunModel, model_of_run
from interp.runs.run_sample import RunSample
from interp.runs.sample_attention import attention_array
from interp.runs.sample_html import sample_html
from interp.runs.sample_tokens import sample_tokens
from interp.runs.token_html import NEAR, SHOWN, token_text

COUNTRIES = ("Spain", "Chad", "Peru", "Oman")
ODD = {
    'a/b "<x>" é': " It is in Chad 🦊 or 東京.",
    "-1": " שלום: It is in Peru, مرحبا.",
    "0": " ".join(HOSTILE[:4]),
    "\u202eid\x1b[31m": "  two\nlines & more\tin Oman\n",
    "no label": " Nothing.",
    "none": " ",
}
"""Completions by id: characters of several tokens, right to left, hostile, blank."""
PROMPT = "These are questions about cities, with short answers. {question}"
ROLES = {"whole": "mean:exact_answer", "most": "max:completion"}


def rows() -> list[dict[str, str]]:
    plain = [
        {
            "id": f"row-{i}",
            "question": f"Where is city {i}?",
            "answer": COUNTRIES[i % 4],
            "completion": f" It is in {COUNTRIES[(i + i // 4 % 2) % 4]}.",
        }
        for i in range(60)
    ]
    odd = [
        {"id": id, "question": f"Where is <{i}>?", "answer": "Chad", "completion": text}
        for i, (id, text) in enumerate(ODD.items())
    ]
    return [*plain, *odd]


@pytest.fixture(scope="module")
def done(llama_folder, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "first"
    interp.run(
        model=llama_folder,
        data=rows(),
        out=out,
        n_jobs=1,
        permutations=0,
        controls=False,
        probe="mass-mean",
        prompt_template=PROMPT,
        candidates=COUNTRIES,
        roles=ROLES,
        folds=4,
    )
    return out


@pytest.fixture(scope="module")
def run(done) -> interp.Run:
    return interp.open_run(done)


@pytest.fixture(scope="module")
def eager(llama_folder):
    """Hugging Face's patterns of one text, layer head query key."""
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(llama_folder, attn_implementation="eager").eval()

    def patterns(ids: list[int]) -> torch.Tensor:
        with torch.no_grad():
            return torch.stack(model(torch.tensor([ids]), output_attentions=True).attentions)[:, 0]

    return patterns


def ids_of(sample: RunSample) -> list[int]:
    return [*sample.answers.prompt_ids[0], *sample.answers.completion_ids[0]]


@pytest.mark.usefixtures("as_users_run_it")
def test_a_sample_is_found_by_its_place_and_by_its_id(run) -> None:
    assert run.sample(3).id == run.sample("row-3").id == "row-3" and run.sample(-1).id == "none"
    assert run.sample("-1").place == 61 and run.sample("0").place == 62 and run.sample(np.int64(62)).id == "0"
    for wrong in ("row-300", 300, -67, None, True, 0.5, ["row-3"], b"row-3"):
        with pytest.raises(DataError, match="sample"):
            run.sample(wrong)
    assert repr(run.sample(0)) == "RunSample('row-0', correct, ok: ' It is in Spain.')"
    assert run.sample(0).record == run.answers[0] and run.sample(0).correct is True


@pytest.mark.parametrize("id", ["row-0", *ODD])
def test_tokens_spell_the_text_and_carry_its_roles(run, llama, id) -> None:
    sample, place = run.sample(id), run.sample(id).place
    table = sample.table()
    decoded = model_tokenizer(llama).decode(ids_of(sample), clean_up_tokenization_spaces=False)
    assert "".join(table["text"]) == decoded and table["token_id"].tolist() == ids_of(sample)
    assert (table["part"] == "prompt").sum() == len(run.answers.prompt_ids[place])
    for role, (first, last), valid in zip(
        run.positions.roles, run.positions.span[place].tolist(), run.positions.valid[place].tolist(), strict=True
    ):
        named = [at for at, roles in enumerate(table["roles"]) if role in roles]
        assert named == (list(range(first, last + 1)) if valid else []), role
    exact = run.answers.exact_answer_tokens[place]
    own = table["position"][table["exact_answer"]].tolist()
    assert own == ([] if exact is None else list(range(exact[0], exact[1] + 1)))
    assert table.equals(sample.to_dataframe())


def test_characters_of_several_tokens_stand_at_the_last_of_them(run) -> None:
    table = run.sample('a/b "<x>" é').table()
    at = table.index[table["text"] == "🦊"].item()
    assert table["text"][at - 1] == ""  # bytes of it


@pytest.mark.parametrize("id", ["row-0", "row-7", 'a/b "<x>" é', "-1"])
def test_attention_is_that_of_a_plain_pass(run, eager, id) -> None:
    sample = run.sample(id)
    pattern, positions = eager(ids_of(sample)), run.positions[[sample.place]]
    for role in ("last_q", "exact_answer_last", "-8", "-1"):
        at = int(positions.index[0, positions.roles.index(role)])
        expected = pattern[:, :, at].numpy()
        every = sample.attention(role, head=None)
        assert every.dims == ("layer", "head", "position") and every["token_id"].values.tolist() == ids_of(sample)
        np.testing.assert_allclose(every, expected, atol=1e-5, rtol=0)
        np.testing.assert_allclose(sample.attention(role), expected.mean(1), atol=1e-5, rtol=0)
        np.testing.assert_allclose(sample.attention(role, layer=2, head=3), expected[2, 3], atol=1e-5, rtol=0)
        np.testing.assert_allclose(sample.attention(role, layer="mean"), expected.mean((0, 1)), atol=1e-5, rtol=0)
    first, last = positions.span[0, positions.roles.index("most")].tolist()
    most = sample.attention("most", head=None)
    np.testing.assert_allclose(most, pattern[:, :, first : last + 1].amax(2).numpy(), atol=1e-5, rtol=0)


def test_several_roles_are_an_axis_on_which_absent_ones_are_undefined(run) -> None:
    sample = run.sample("no label")
    both = sample.attention(("last_q", "exact_answer_first"), layer=0)
    assert both.dims == ("token", "position") and both["token"].values.tolist() == ["last_q", "exact_answer_first"]
    assert both.sel(token="exact_answer_first").isnull().all()
    np.testing.assert_array_equal(both.sel(token="last_q"), sample.attention("last_q", layer=0))
    assert sample.attended == ("last_q", "exact_answer_first")


def test_what_cannot_be_attended_to_is_said(run) -> None:
    sample = run.sample("no label")
    with pytest.raises(DataError, match="sample 'no label' lacks exact_answer_first: .*no exact answer"):
        sample.attention("exact_answer_first")
    for wrong, message in (
        ({"role": "last"}, "role: expected one of"),
        ({"role": ()}, "role: expected at least one"),
        ({"role": "last_q", "layer": 3}, "layer: expected one of mean, 0, 1, 2, got 3"),
        ({"role": "last_q", "head": -1}, "head: expected one of mean, 0, 1, 2, 3"),
        ({"role": "last_q", "layer": "median"}, "layer: expected one of"),
    ):
        with pytest.raises(DataError, match=message):
            sample.attention(**wrong)


def test_a_model_without_patterns_is_said() -> None:
    tokens = interp_table()
    none = {"a": np.full((2, 3, 4), np.nan, np.float32)}
    with pytest.raises(ModelError, match="no attention pattern at any layer"):
        attention_array(none, tokens, layer=None, head="mean", one=True)
    part = {"a": np.stack([np.full((3, 4), np.nan), np.ones((3, 4))]).astype(np.float32)}
    with pytest.raises(ModelError, match="layer 0 of the model shows no attention pattern"):
        attention_array(part, tokens, layer=0, head="mean", one=True)
    assert attention_array(part, tokens, layer="mean", head="mean", one=True).values.tolist() == [1.0] * 4


def interp_table():
    answers = interp.Answers(
        **{name: ["?"] for name in ("id", "question", "group", "prompt", "text", "finish", "status")},
        prompt_ids=[[1, 2]], completion_ids=[[3, 4]], logprobs=[None], correct=[None], exact_answer=[None],
        exact_answer_method=[None], exact_answer_tokens=[None], question_tokens=[None],
    )  # fmt: skip
    return sample_tokens(answers, interp.Positions.at([1], 4), lambda ids: "".join(map(str, ids)))


def test_scores_are_those_of_the_grids(run) -> None:
    for place in (0, 31):
        sample = run.sample(place)
        for name, grid in (("probe", run.probe), ("attention", run.attention)):
            for layer in grid["layer"].values:
                for token in grid["token"].values:
                    found = sample.scores.sel(grid=name, layer=layer, token=token)
                    expected = grid["score"].sel(sample=sample.id, layer=layer, token=token)
                    np.testing.assert_equal(found.item(), expected.item())
                    np.testing.assert_equal(found["auc"].item(), grid["auc"].sel(layer=layer, token=token).item())
    assert run.sample("no label").scores.isnull().all()


def test_the_run_s_own_names(run) -> None:
    assert run.to_dataframe().equals(run.table())
    assert run.best().cell == run.comparison.best["probe"]["cell"]
    assert run.best("attention").cell == run.comparison.best["attention"]["cell"]
    assert run.to_xarray()["auc"].dims == ("grid", "layer", "token") and len(run.plot(title="both")) == 3
    with pytest.raises(DataError, match="grid: expected one of probe, attention"):
        run.best("delta")


# What a notebook shows -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("id", ["row-0", *ODD])
def test_the_notebook_shows_the_text_and_does_nothing(run, id) -> None:
    sample = run.sample(id)
    page = read(sample)
    assert (
        page.line[0] == "RunSample"
        and page.line[2] == {True: "correct", False: "wrong", None: "no label"}[sample.correct]
    )
    table, (shown,) = sample.table(), page.sections["Text"].paragraphs
    for text in table["text"]:
        assert not text.isalnum() or text in shown
    valid = run.positions.valid[sample.place].tolist()
    listed = {row[0]: row for row in page.sections["Roles"].rows[1:]}
    assert [bool(listed[role][2]) for role in run.positions.roles] == valid
    assert all(bool(row[4]) != bool(row[2]) for row in listed.values())
    assert "".join(page.marked).strip() == (sample.answers.exact_answer[0] or "")
    assert ("Scores: probe" in page.sections) == bool(sample.scores.notnull().any())


def test_each_role_is_numbered_at_its_token(run) -> None:
    sample = run.sample("row-0")
    html = sample._repr_html_()
    number = run.positions.roles.index("last_q") + 1
    at = int(sample.positions.index[0, run.positions.roles.index("last_q")])
    assert f'title="{at}, last_q' in html and f"<sup>{number}</sup>" in html


def test_the_score_table_has_the_scores(run) -> None:
    sample = run.sample("row-0")
    head, *body = read(sample).sections["Scores: probe"].rows
    assert head[1:] == run.probe["token"].values.tolist() and [row[0] for row in body] == [
        f"layer {i}" for i in range(3)
    ]
    for row, layer in zip(body, range(3), strict=True):
        expected = sample.scores.sel(grid="probe", layer=layer).values
        assert [float(cell.replace("−", "-")) for cell in row[1:]] == [float(f"{value:.1f}") for value in expected]


def test_why_there_are_no_scores(run) -> None:
    outside, inside = run.sample("no label"), run.sample("row-0")
    assert read(outside).sections["Scores"].paragraphs == [NOT_SCORED]
    vars(inside)["scores"] = inside.scores.where(False)  # as where no cell is defined
    assert read(inside).sections["Scores"].paragraphs == [NO_CELL]


def test_a_part_of_a_character_is_shown_only_with_what_is_told_of_it() -> None:
    tokens = interp_table()
    tokens["text"] = ["a", "", "é", ""]
    assert token_text(tokens, {}).count("<span title") == 2 and "‧" not in token_text(tokens, {})
    assert token_text(tokens, {}, shades=[0, 2, 0, 0]).count("‧") == 1


def test_attention_is_shown_once_it_is_computed(run) -> None:
    sample = run.sample("row-1")
    assert not any(title.startswith("Attention") for title in read(sample).sections)
    shown = sample.show_attention("exact_answer_last", layer=1, head=2)
    assert repr(shown) == "TokenAttention(sample 'row-1', exact_answer_last, layer 1, head 2)"
    page = read(shown)
    weights = sample.attention("exact_answer_last", layer=1, head=2).values
    at = int(sample.positions.index[0, run.positions.roles.index("exact_answer_last")])
    limit = float(np.quantile(weights[: at + 1], 0.95))
    assert page.sections["Text"].paragraphs[1] == attention_key("exact_answer_last", limit)
    first = page.sections["Most attended"].rows[1]
    assert int(first[0]) == weights.argmax() and float(first[2]) == round(float(weights.max()), 3)
    assert "Attention from exact_answer_last" in read(sample).sections
    html = shown._repr_html_()
    assert re.findall(r'interp-here[^"]*" title="(\d+),', html) == [str(at)]
    assert isinstance(shown, TokenAttention) and most_attended(shown.weights).count("<tr>") == 9


@pytest.mark.parametrize("id", ODD)
def test_attention_over_odd_texts_does_nothing(run, id) -> None:
    read(run.sample(id).show_attention("last_q"))


def test_a_long_text_is_cut_to_what_stands_near_its_marks() -> None:
    tokens = interp_table().loc[[0] * 3000].reset_index(drop=True)
    tokens["position"], tokens["text"] = range(3000), [f"w{i} " for i in range(3000)]
    tokens["part"] = ["prompt"] * 2000 + ["completion"] * 1000
    tokens["roles"] = [("last_q",) if at == 1999 else () for at in range(3000)]
    html = token_text(tokens, {"last_q": 1}, near=[10])
    assert f"… {1999 - NEAR - (10 + NEAR) - 1} tokens …" in html and f"… {1000 - NEAR - 1} tokens …" in html
    assert ">w10 <" in html and ">w1999 <" in html and ">w500 <" not in html
    framed = token_text(tokens, {}, here=range(10, 1500), shades=[0] * 3000)
    assert ">w1490 <" in framed and ">w700 <" not in framed
    whole = token_text(tokens[:SHOWN], {"last_q": 1})
    assert "tokens …" not in whole


# Without the model, or before the end ----------------------------------------------------------------------------------


def changed(folder: Path, to: Path, **entries: object) -> interp.Run:
    shutil.copytree(folder, to)
    record = json.loads((to / "run.json").read_text())
    (to / "run.json").write_text(json.dumps(record | entries))
    return interp.open_run(to)


def test_without_its_model_a_run_still_shows_its_samples(done, tmp_path) -> None:
    settings = json.loads((done / "run.json").read_text())["settings"] | {"model": str(tmp_path / "gone")}
    run = changed(done, tmp_path / "run", settings=settings)
    for id in ("row-0", *ODD):
        sample = run.sample(id)
        page = read(sample)
        assert sample.table()["text"].isna().all()
        assert "Tokens cannot be told apart: no such file or folder" in page.sections["Text"].paragraphs[-1]
        assert sample.answers.exact_answer[0] in (None, *page.marked)
    with pytest.raises(ModelError, match="no such file or folder"):
        run.sample(0).attention("last_q")


def test_a_model_given_in_python_is_needed_again(done, tmp_path, llama, llama_folder, eager) -> None:
    settings = json.loads((done / "run.json").read_text())["settings"] | {"model": "HookedTransformer"}
    run = changed(done, tmp_path / "run", settings=settings)
    sample = run.sample("row-0")
    with pytest.raises(RunError, match="was given a loaded HookedTransformer: give it again in Python, as model=…"):
        sample.attention("last_q")
    assert "give it again in Python" in read(sample).text
    again = load_model(llama_folder)
    weights = sample.attention("last_q", layer=1, head=0, model=again)
    at = int(sample.positions.index[0, run.positions.roles.index("last_q")])
    np.testing.assert_allclose(weights, eager(ids_of(sample))[1, 0, at].numpy(), atol=1e-5, rtol=0)
    assert sample.show_attention("last_q").tokens["text"].notna().all()
    assert model_of_run(run, again) is again


def test_another_model_is_refused(done, tmp_path) -> None:
    record = json.loads((done / "run.json").read_text())["model"]
    run = changed(done, tmp_path / "run", model=record | {"weights_sha256": "0", "tokenizer_sha256": "0"})
    with pytest.raises(RunError, match="the model changed since the run"):
        run.sample(0).attention("last_q")
    decode, why = RunModel(run).decode()
    assert decode is None and "the tokenizer of the model changed since the run" in why
    assert why in sample_html(run.sample(0))


def test_the_model_is_loaded_once(done, monkeypatch) -> None:
    run, loads = interp.open_run(done), []

    def counted(*args, **options):
        loads.append(args)
        return load_settings_model(*args, **options)

    from interp.runs import run_model
    from interp.runs.run_model import load_settings_model

    monkeypatch.setattr(run_model, "load_settings_model", counted)
    for place in (0, 1):
        run.sample(place).attention("last_q")
        run.sample(place).attention("-1")
    assert len(loads) == 1


def test_a_run_that_is_not_finished_shows_what_it_has(done, tmp_path) -> None:
    run = changed(done, tmp_path / "run", state="probing", finished=None)
    sample = run.sample("row-0")
    with pytest.raises(RunError, match="is not finished"):
        sample.scores  # noqa: B018
    assert "is not finished" in read(sample).sections["Scores"].paragraphs[0]
    (run.folder.samples).unlink()
    with pytest.raises(RunError, match="samples.jsonl is not there yet"):
        interp.open_run(run.folder.path).sample(0)
