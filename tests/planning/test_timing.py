"""How long a run would take, on a clock that only the work moves: the sums by hand, and nothing is measured."""

from types import SimpleNamespace

import pytest
import xarray as xr

from interp.capturing.attention import METRICS
from interp.data.rows import QARow
from interp.planning import timing
from interp.planning.shapes import Shapes
from interp.planning.timing import CONTROLS, TIMED_CELL, time_model, time_probes
from interp.reporting.notes import length_warnings
from interp.reporting.plan_words import of_rows_tried
from interp.runs.settings import Settings

ROWS = [QARow(id=str(i), question="q", answers=("a",)) for i in range(5)]
SHAPES = Shapes(2, 4, 32, 8, 48, 64, 320, 1000, "float32")


class Answered(list):
    """Answers, as far as they are looked at here: their records."""


class Clock:
    """Work takes as long as it says."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.calls = 0.0, []
        monkeypatch.setattr(timing, "perf_counter", lambda: self.now)

    def works(self, seconds: float, *call: object) -> None:
        self.now += seconds
        self.calls.append(call)


@pytest.fixture
def clock(monkeypatch):
    return Clock(monkeypatch)


@pytest.fixture
def model(clock, monkeypatch):
    """The first call takes longer; a batch of answers 3 s and 0.5 s a row, a capture 1 s and 0.25 s a row."""

    def answer(model, rows, **options):
        clock.works((100 if not clock.calls else 0) + 3 + 0.5 * len(rows), "answer", len(rows), options)
        return Answered({"finish": "length", "logprobs": [0.0], "correct": None, "status": "ok"} for _ in rows)

    def capture(model, answers, positions, **options):
        clock.works(1 + 0.25 * len(answers), "capture", len(answers), options)

    monkeypatch.setattr(timing, "generate_answers", answer)
    monkeypatch.setattr(timing, "resolve_positions", lambda answers, roles: None)
    monkeypatch.setattr(timing, "capture", capture)


def test_a_batch_costs_what_one_answer_costs_and_every_further_row_what_it_adds(clock, model):
    settings = Settings(model="m", data="d", max_new_tokens=7, temperature=0.5, stop=("x",), batch_tokens=99)
    found, records = time_model(SimpleNamespace(), ROWS, settings, total=100, batches=10)
    (unended,) = of_rows_tried(len(ROWS), length_warnings(records))
    assert unended.startswith("of 5 rows tried: 5 of 5 generated answers (100%) were cut off by --max-new-tokens")
    assert found["answering"] == pytest.approx(3.5 * 10 + 0.5 * 90)
    assert found["capturing"] == pytest.approx(1.25 + 0.25 * 99)
    assert [call[:2] for call in clock.calls] == [(what, n) for n in (1, 1, 5) for what in ("answer", "capture")]
    for what, _, options in clock.calls:
        assert what == "capture" or {name: getattr(settings, name) for name in options} == options
        assert options["batch_tokens"] == 99


def test_fewer_samples_than_batches_and_one_row_are_no_negative_time(clock, model):
    settings = Settings(model="m", data="d")
    found, _ = time_model(SimpleNamespace(), ROWS[:1], settings, total=1, batches=3)
    assert found == pytest.approx({"answering": 3.5 * 3, "capturing": 1.25})


@pytest.mark.parametrize("controls", [True, False])
@pytest.mark.parametrize("permutations", [0, 200])
@pytest.mark.parametrize("total", [100, 4 * TIMED_CELL])
def test_the_cells_of_both_grids_are_counted(clock, monkeypatch, controls, permutations, total):
    """Folds 9 s a grid, 2 s a cell of the probe, 0.5 s of the attention; a permutation test 7 s; 2 and 4 workers."""
    attention = 2 * len(METRICS) * SHAPES.n_heads

    def probe(x, y, **options):
        each = 0.5 if x.shape[-1] == attention else 2.0
        clock.works(9 + each * x.shape[2], x.shape, options)
        return xr.Dataset()

    def permute(grid, x, *, permutations, n_jobs):
        clock.works(7, permutations, x.shape[2])

    monkeypatch.setattr(timing, "probe_grid", probe)
    monkeypatch.setattr(timing, "permutation_test", permute)
    monkeypatch.setattr(timing, "workers_for", lambda *sizes: 2)
    monkeypatch.setattr(timing, "worker_count", lambda size: 4)
    settings = Settings(model="m", data="d", controls=controls, permutations=permutations, C=0.1)
    cells = (SHAPES.n_layers + 1) * 15
    fits = 1 + CONTROLS if controls else 1
    one = (fits * 2.0 + 0.5) / 2 + (2 * 7 / 4 if permutations else 0)
    scale = total / TIMED_CELL if total > TIMED_CELL else 1
    assert time_probes(SHAPES, settings, total) == pytest.approx(one * cells * scale)
    shapes = [call[0] for call in clock.calls if len(call[0] if isinstance(call[0], tuple) else ()) == 4]
    assert {shape[0] for shape in shapes} == {min(total, TIMED_CELL)} and {shape[2] for shape in shapes} == {1, 3}
    assert {shape[-1] for shape in shapes} == {SHAPES.d_model, attention}
