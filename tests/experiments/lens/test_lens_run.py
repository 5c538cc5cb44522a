"""`interp lens` on a run: files, section, sentences and figures; what is refused, and what is undefined and said."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib import pyplot as plt

import interp
from interp.command.cli import main
from interp.command.lens_command import add_lens
from interp.demo import MAX_NEW_TOKENS, PROMPT_TEMPLATE, model_path, questions_path
from interp.experiments import run_model
from interp.experiments.lens.section import ORDER, joined, lens_of_run, tidy_lens, write_lens
from interp.experiments.lens.source import Source
from interp.reporting.lens_plot import Signed, plot_lens, plot_parts
from interp.reporting.lens_section import HEADS, RANKS, component_table, layer_table, lens_section
from interp.reporting.lens_words import columns_at, lens_sentences
from interp.reporting.section import Section

ROLE = "exact_answer_before_first"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "rows.jsonl"
    lines = questions_path().read_text(encoding="utf-8").splitlines(keepends=True)[:40]
    path.write_text("".join(lines), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> interp.Run:
    return interp.run(
        model=model_path(), data=data, out=tmp_path_factory.mktemp("runs") / "run", prompt_template=PROMPT_TEMPLATE,
        max_new_tokens=MAX_NEW_TOKENS, permutations=0, controls=False, folds=3, probe="mass-mean",
        exact_answer="candidates",
    )  # fmt: skip


@pytest.fixture(scope="module")
def found(run: interp.Run) -> tuple[xr.Dataset, xr.Dataset, str]:
    return lens_of_run(run)


def test_the_command_leaves_its_files_and_a_section(run: interp.Run, capsys) -> None:
    assert main(["lens", run.name]) == 0, capsys.readouterr().err
    told = capsys.readouterr().out
    assert f"At {ROLE} the given answer is the top token" in told and "components add up to it" in told
    folder = Path(run.name) / "experiments"
    pictures = {f"{name}.{end}" for name in (RANKS, HEADS) for end in ("svg", "png")}
    assert {"lens.csv", "lens.nc", "lens.json", *pictures} <= {path.name for path in folder.iterdir()}
    page = (Path(run.name) / "report.html").read_text(encoding="utf-8")
    assert "The lens: what every cell would say" in page and "Components: mean share" in page
    section = Section.read(folder / "lens.json")
    assert section.sentences and all(sentence in told for sentence in section.sentences)
    table = pd.read_csv(folder / "lens.csv")
    assert tuple(table.columns) == ORDER
    kept = interp.grids.grid.load_grid(folder / "lens.nc")
    cell = table[(table["metric"] == "mean_logprob") & (table["token"] == ROLE) & (table["layer"] == 3)]
    one = cell[(cell["answer"] == "given") & (cell["label"] == "wrong")]["value"].item()
    assert one == pytest.approx(float(kept["mean_logprob"].sel(answer="given", label="wrong", layer=3, token=ROLE)))
    assert callable(add_lens)


def test_a_run_and_its_parts_say_the_same(run: interp.Run, found, data: Path) -> None:
    lens, attribution, why = found
    assert why == "" and lens.attrs["rows"] == "read"
    model = run_model.model_of_run(run)
    parts = interp.lens_grid(
        run.capture, run.answers, model, rows=data, fold=run.argument("fold"), min_per_class=lens.attrs["min_per_class"]
    )
    xr.testing.assert_equal(parts, lens)
    assert (lens["sample"] == run.probe["sample"]).all() and (lens["fold"] == run.probe["fold"]).all()
    of_parts = interp.logit_attribution(run.answers, model, rows=data)
    xr.testing.assert_allclose(of_parts["attribution"], attribution["attribution"])
    both = joined(lens, attribution)
    assert set(lens.variables) <= set(both.variables) and both.attrs["attribution_kind"] == "logit attribution"
    assert joined(lens, None) is lens
    metrics = set(tidy_lens(both)["metric"])
    assert metrics - set(tidy_lens(lens)["metric"]) == {"attribution_mean", "total_mean", "attribution_difference"}
    assert Source.of(run, model, None).why_none == ""


def test_the_sentences_follow_from_the_numbers(found) -> None:
    lens, attribution, _ = found
    told = " ".join(lens_sentences(lens, attribution))
    assert "whole sentences" not in told and columns_at(lens, "predicts it") == [ROLE]
    share = lens["top_share"].sel(token=ROLE, answer="given", label="right")
    assert f"({100 * float(share[-1]):.0f} % [" in told
    assert "whole sentences" in " ".join(lens_sentences(lens.assign_attrs(answer_tokens=9.0)))
    late = lens.copy(deep=True)
    late["top_share"].loc[{"token": ROLE, "answer": "given"}] = np.where(lens["layer"] < 5, 0.1, 0.9)
    assert "from layer 5 on in most right samples" in " ".join(lens_sentences(late))
    late["top_share"].loc[{"token": ROLE, "answer": "given"}] = 0.2
    assert "in no layer of most right samples" in " ".join(lens_sentences(late))
    above = lens.copy(deep=True)
    above["right_above_given"].loc[{"token": ROLE}] = np.where(lens["layer"] == 2, 0.6, 0.1)
    assert "stands above the given one's in 60 % " in " ".join(lens_sentences(above))
    above["right_above_given"].loc[{"token": ROLE}] = 0.0
    assert "in no layer of any" in " ".join(lens_sentences(above))
    rough = lens.assign_attrs(stored_dtype="bfloat16", last_layer_deviation=0.3)
    told = " ".join(lens_sentences(rough, None, "the model is odd"))
    assert "stored in bfloat16, the model computes in float32" in told and "differs by up to 0.3" in told
    assert "is undefined: the model is odd." in told
    both = " ".join(lens_sentences(lens.assign_attrs(stored_dtype="bfloat16", model_dtype="bfloat16")))
    assert "the last digits of every number are rounding" in both
    alone = attribution.assign_attrs(parts_reason="no heads")
    alone["attribution_difference_q"] = alone["attribution_difference_q"] * 0 + 0.5
    told = " ".join(lens_sentences(lens, alone))
    assert "no single heads: no heads." in told and "No component adds clearly more" in told


def test_the_section_and_its_figures_show_what_there_is(found) -> None:
    lens, attribution, _ = found
    section = lens_section(lens, attribution)
    assert [picture.name for picture in section.pictures] == [RANKS, HEADS] and len(section.tables) == 2
    assert [picture.name for picture in lens_section(lens, None, "odd").pictures] == [RANKS]
    table = layer_table(lens)
    assert len(table.rows) == lens.sizes["layer"] and all(len(row) == len(table.columns) for row in table.rows)
    parts = component_table(attribution)
    assert all(len(row) == len(parts.columns) for row in parts.rows)
    largest = np.abs(attribution["attribution_mean"].sel(contrast="given − mean")).max("label")
    assert parts.rows[0][0] == str(largest["component"].values[largest.values.argmax()])
    figure = plot_lens(lens)
    values = figure.axes[0].collections[0].get_array()
    expected = np.log10(1 + lens["median_rank"].sel(answer="given", label="right").values)
    np.testing.assert_allclose(np.ma.filled(values.reshape(expected.shape), np.nan), expected)
    ticks = figure.axes[0].get_xticklabels()
    colours = {token: tick.get_color() for token, tick in zip(lens["token"].values.tolist(), ticks, strict=True)}
    assert colours[ROLE] == "black" and colours["exact_answer_first"] != "black"
    plt.close(figure)
    figure = plot_parts(attribution)
    mesh = figure.axes[0].collections[0].get_array().reshape(lens.sizes["layer"], 5)
    mean = attribution["attribution_mean"].sel(contrast="given − mean", label="right")
    assert mesh[7, 2] == pytest.approx(float(mean.sel(component="head 7.2")))
    assert mesh[3, 4] == pytest.approx(float(mean.sel(component="mlp 3")))
    plt.close(figure)
    scale = Signed("x", "PuOr", -10.0, 10.0)
    assert scale.norm(0.0) == 0.5 and scale.norm(10.0) == 1.0 and scale.norm(1.0) > 0.7


def test_what_cannot_be_known_is_said(run: interp.Run, monkeypatch, data: Path) -> None:
    rows, why = run_model.rows_of_run(run, run_model.model_of_run(run))
    assert len(rows) == 40 and why == ""

    def gone(settings):
        raise interp.DataError("rows.jsonl: no such file")

    monkeypatch.setattr(run_model, "read_rows", gone)
    lens = interp.lens_grid(run)
    wrong = lens["y"].values == 0
    assert (lens["right_token"].values[wrong] == -1).all() and lens["right_reason"].values[wrong][0] == lens.attrs[
        "rows"
    ]
    assert "no such file" in lens.attrs["rows"] and (lens["right_reason"].values[~wrong] == "").all()
    assert np.isnan(lens["right_above_given"]).all()
    told = lens_sentences(lens)
    assert any("no wrong sample has a first token" in one and "no such file" in one for one in told)
    brought = interp.lens_grid(run, rows=data)
    assert brought.attrs["n_wrong_with_right"] > 0


def test_refusals_write_nothing(run: interp.Run, tmp_path: Path, capsys, monkeypatch) -> None:
    assert main(["lens", str(tmp_path / "none")]) == 2
    assert "is not a run folder" in capsys.readouterr().err
    assert main(["lens", run.name, "--rows", str(tmp_path / "none.jsonl")]) == 2
    assert "none.jsonl" in capsys.readouterr().err
    with pytest.raises(interp.DataError, match="a run brings its own"):
        interp.lens_grid(run, run.answers)
    changed = interp.load_model(model_path())
    changed.unembed.W_U.data[0, 0] += 1 if hasattr(changed.unembed, "W_U") else 0
    with pytest.raises(interp.RunError, match="the model changed since the run"):
        run_model.model_of_run(run, changed)

    def odd(*args, **options):
        raise interp.ModelError("its logits are odd")

    monkeypatch.setattr("interp.experiments.lens.section.logit_attribution", odd)
    lens, attribution, why = lens_of_run(run)
    assert attribution is None and why == "its logits are odd"
    sentences, files = write_lens(run, lens, attribution, why)
    assert any("its logits are odd" in one for one in sentences)
    assert f"{HEADS}.png" not in {path.name for path in files}


def test_a_capture_without_the_answers_columns_is_said(found) -> None:
    lens, _, _ = found
    behind = lens.sel(token=["exact_answer_first", "-1"])
    assert "No column predicts the answer" in " ".join(lens_sentences(behind))
    assert layer_table(behind).caption.startswith("By layer, at exact_answer_first")
    right = lens.isel(sample=np.flatnonzero(lens["y"].values == 1)).assign_attrs(n_wrong=0)
    assert replace(lens_section(right, None), run="r").name == "lens"
