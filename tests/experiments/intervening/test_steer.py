"""Steering: a direction that is known to carry the answer moves it as far as it must, and others do not."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import interp
from interp.demo.planted_signal import COMPLETION, planted_answers
from interp.errors import DataError
from interp.experiments.detecting.given import Given
from interp.experiments.intervening.directions import ARBITRARY, MEANS, PROBE, RANDOM, directions
from interp.reporting.steering_plot import plot_doses
from interp.reporting.steering_section import steering_section
from interp.reporting.steering_words import steering_sentences

N, WIDTH, ROLES = 48, 32, ("last_q", "exact_answer_first")


@pytest.fixture(scope="module")
def planted(llama):
    """Samples of the tiny model, and a Capture in which right and wrong ones differ along one axis of a cell."""
    rng = np.random.default_rng(0)
    said = rng.integers(5, 60, (N, COMPLETION)).tolist()
    answers = replace(planted_answers(np.arange(N) % 2), completion_ids=said)
    y = np.array(answers.correct, dtype=np.int64)
    x = rng.standard_normal((N, 2, len(ROLES), WIDTH))
    x[:, 1, 0, 3] += 4 * y
    at = interp.resolve_positions(answers, roles=ROLES)
    cap = interp.Capture(
        {"resid_post": torch.from_numpy(x)}, None, {}, at.valid, at.index, (0, 1), ROLES, tuple(answers.id)
    )
    grid = interp.probe_grid(cap, answers, min_per_class=5)
    return SimpleNamespace(answers=answers, cap=cap, grid=grid, model=llama, y=y)


def _doses(planted, **options):
    options = {"cell": (1, "last_q"), "doses": [-2, 1, 2], "draws": 3, "outcome": _fixed, **options}
    return interp.dose_response(planted.cap, planted.answers, planted.grid, model=planted.model, **options)


def _fixed(logits):
    return logits[:, 5] - logits[:, 6]


def test_directions_are_unit_vectors_that_find_the_planted_axis(planted):
    given = Given.of(planted.answers, planted.cap, planted.grid)
    named, blind = directions(given, 1, "last_q", draws=4, seed=0)
    assert [one.name for one in named] == [PROBE, MEANS]
    assert [one.name.split()[0] for one in blind] == [RANDOM] * 4 + [ARBITRARY] * 4
    for one in (*named, *blind):
        assert torch.allclose(one.unit.norm(dim=1), torch.ones(5, dtype=torch.float64))
    assert (named[1].unit[:, 3] > 0.8).all()  # towards right answers
    assert (named[0].unit[:, 3] > 0.3).all()
    assert (torch.stack([one.unit[:, 3].abs() for one in blind]).mean() < 0.3).item()
    x = planted.cap.sites["resid_post"][:, 1, 0]
    assert torch.allclose(named[1].spread, (x @ named[1].unit.T).std(0, correction=0))
    assert all(torch.equal(one.spread, named[0].spread) for one in blind[:4])  # steps as long as the probe's


def test_a_dose_is_a_step_of_so_many_standard_deviations(planted):
    """The outcome of every run against a plain pass with the step added by hand."""
    found = _doses(planted)
    given = Given.of(planted.answers, planted.cap, planted.grid)
    named, _ = directions(given, 1, "last_q", draws=3, seed=0)
    for run in range(0, found.sizes["sample"], 7):
        i = planted.answers.id.index(found["sample"].values[run])
        ids = torch.tensor([[*planted.answers.prompt_ids[i], *planted.answers.completion_ids[i]]])
        at, fold = int(planted.cap.index[i, 0]), int(given.samples.fold[i])
        for direction in named:
            for dose in (-2.0, 2.0):

                def push(hidden, hook, direction=direction, dose=dose, at=at, fold=fold):
                    hidden[0, at] += (dose * direction.spread[fold] * direction.unit[fold]).to(hidden)
                    return hidden

                with torch.inference_mode():
                    logits = planted.model.run_with_hooks(ids, fwd_hooks=[("blocks.1.hook_resid_post", push)])
                    plain = planted.model(ids)
                expected = (_fixed(logits[:, -1]) - _fixed(plain[:, -1])).item()
                seen = found["sample_change"].sel(direction=direction.name, dose=dose).values[run]
                assert seen == pytest.approx(expected, abs=1e-5)


def test_without_the_direction_the_projection_is_at_its_mean(planted):
    given = Given.of(planted.answers, planted.cap, planted.grid)
    from interp.experiments.intervening.steer import _puts

    (probe, _), _ = directions(given, 1, "last_q", draws=1, seed=0)
    fold = given.samples.fold
    ablated = _puts(probe, fold, [1.0])[-1]
    own = torch.randn(10, WIDTH, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    run = np.arange(10)
    changed = ablated(run, None, 1, own)
    unit = probe.unit[fold[run]]
    assert torch.allclose((changed * unit).sum(1), probe.centre[fold[run]])
    across = own - (own * unit).sum(1, keepdim=True) * unit
    assert torch.allclose(changed - (changed * unit).sum(1, keepdim=True) * unit, across)


def test_means_intervals_and_placebo(planted):
    found = _doses(planted)
    probe = found.sel(direction="probe", dose=2.0)
    runs = probe["sample_change"].values
    assert float(probe["change"].sel(among="all")) == pytest.approx(runs.mean())
    assert float(probe["change"].sel(among="right")) == pytest.approx(runs[found["y"].values == 1].mean())
    assert (found["low"] <= found["change"]).all() and (found["change"] <= found["high"]).all()
    assert set(np.unique(found["p"])) <= {0.25, 0.5, 0.75, 1.0}  # three of a placebo and the data
    again = _doses(planted)
    assert found.identical(again)


def test_the_cell_is_the_highest_that_the_outcome_can_hang_on(planted):
    found = _doses(planted, cell=None, outcome="answer", draws=1)
    assert (found.attrs["layer"], found.attrs["role"]) == (1, "last_q")
    with pytest.raises(DataError, match="exact_answer_first the outcome 'answer' cannot change"):
        _doses(planted, cell=(1, "exact_answer_first"), outcome="answer")
    with pytest.raises(DataError, match="layers: 1 of 1 are not in the Capture"):
        _doses(planted, cell=(9, "last_q"))


def test_sentences_tables_and_figure(planted):
    found = _doses(planted)
    said = " ".join(steering_sentences(found))
    assert "2 standard deviations along the probe's direction change it by" in said
    assert "p 0." in said or "p 1" in said
    section = steering_section("steering_own", found, None)
    assert len(section.tables[0].rows) == 2 * 3
    figure = plot_doses(found)
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["wrong samples", "right samples"]
    few = found.assign_attrs(enough=0, n_blocks=2)
    assert "2 independent blocks of pairs are too few" in steering_sentences(few)[-1]


def test_a_capture_of_another_models_space_is_refused(planted):
    narrow = replace(planted.cap, sites={"resid_post": planted.cap.resid[..., :7]})
    grid = interp.probe_grid(narrow, planted.answers, min_per_class=5)
    with pytest.raises(DataError, match="7 wide and the model's 32"):
        _doses(SimpleNamespace(**vars(planted) | {"cap": narrow, "grid": grid}))


def test_a_cell_that_a_whole_fold_lacks_has_no_held_out_direction(planted):
    given = Given.of(planted.answers, planted.cap, planted.grid)
    thin = planted.cap.valid.clone()
    thin[:, 0] &= torch.from_numpy(given.samples.fold != 2)
    with pytest.raises(DataError, match="samples in 4 of 5 folds"):
        directions(replace(given, capture=replace(planted.cap, valid=thin)), 1, "last_q", draws=1, seed=0)


def test_the_cell_is_never_one_that_few_samples_have(planted):
    """A column of 18 of 48 samples, without an error, beside the planted one."""
    y, few, x = torch.from_numpy(planted.y), torch.arange(N) % 8 < 3, planted.cap.resid.clone()
    x[:, 0, 0] = torch.where(few, 20.0 * (2 * y - 1), torch.nan)[:, None]
    thin = replace(planted.cap, sites={"resid_post": x})
    grid = interp.probe_grid(thin, planted.answers, min_per_class=2)
    assert grid["n"].sel(layer=0, token="last_q") == 18 and grid["auc"].sel(layer=0, token="last_q") == 1
    given = SimpleNamespace(**vars(planted) | {"cap": thin, "grid": grid})
    found = _doses(given, cell=None, outcome="answer", draws=1)
    assert (found.attrs["layer"], found.attrs["role"]) == (1, "last_q")
