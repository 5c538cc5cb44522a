"""Threads are taken as long as they pay, whatever a machine is like: its speed is planted."""

import time

import pytest
import torch

import interp
from interp.models import thread_choice
from interp.models.thread_choice import worthwhile_threads


@pytest.mark.parametrize(
    ("seconds", "most", "expected"),
    [
        ({1: 1.0, 2: 0.5, 4: 0.25, 6: 0.19}, 6, 6),  # an idle machine
        ({1: 1.0, 2: 0.55, 4: 0.5}, 4, 2),  # memory is the limit from two on
        ({1: 1.0, 2: 3.0, 4: 0.1}, 4, 1),  # others compute beside us
        ({1: 1.0}, 1, 1),
    ],
)
def test_threads_are_doubled_as_long_as_that_pays(monkeypatch, llama, seconds, most, expected) -> None:
    now = [0.0]

    def forward(*_: object, **__: object) -> None:
        now[0] += seconds[torch.get_num_threads()]

    monkeypatch.setattr(thread_choice, "forward", forward)
    monkeypatch.setattr(thread_choice, "perf_counter", lambda: now[0])
    monkeypatch.setattr(thread_choice, "usable_cpus", lambda: most)
    before = torch.get_num_threads()
    torch.set_num_threads(8)
    try:
        assert worthwhile_threads(llama) == expected
        assert torch.get_num_threads() == 8
    finally:
        torch.set_num_threads(before)


def test_it_is_a_pass_of_the_model_itself(llama) -> None:
    assert time.perf_counter is thread_choice.perf_counter
    assert 1 <= worthwhile_threads(llama) <= torch.get_num_threads()


def test_a_run_computes_with_the_threads_it_was_given_and_says_so(llama, tmp_path) -> None:
    before = torch.get_num_threads()
    rows = [{"question": f"Is {i} even?", "answer": "yes", "completion": " yes", "correct": i % 2} for i in range(24)]
    options = {"permutations": 0, "controls": False, "folds": 2, "roles": ("last_q", "exact_answer_last")}
    run = interp.run(model=llama, data=rows, out=tmp_path / "run", threads=2, **options)
    assert run.record["numerics"]["model"]["threads"] == 2 and run.record["settings"]["threads"] == 2
    assert torch.get_num_threads() == before


@pytest.mark.parametrize("threads", [0, -1, 1 << 20])
def test_bad_numbers_of_threads_are_refused(llama, tmp_path, threads) -> None:
    with pytest.raises(interp.InterpError, match="threads"):
        interp.run(model=llama, data=[{"question": "a", "answer": "b"}], out=tmp_path / "run", threads=threads)
