"""How far a run is, told from its folder alone."""

import pytest

import interp
import interp.answering.generation as generation


def test_status_counts_the_answers_of_a_run_that_was_stopped_as_it_answered(llama, tmp_path, monkeypatch) -> None:
    rows = [interp.QARow(str(i), f"Where is city {i}?", ("e",)) for i in range(12)]
    sizes, run = [], generation._generate_batch

    def stopped(model, suffixes, *args):
        if len(sizes) == 1:
            raise KeyboardInterrupt
        sizes.append(len(suffixes))
        return run(model, suffixes, *args)

    monkeypatch.setattr(generation, "_generate_batch", stopped)
    with pytest.raises(KeyboardInterrupt):
        interp.run(model=llama, data=rows, out=tmp_path, max_new_tokens=5, batch_tokens=100)
    assert f"{sum(sizes)} of 12 samples answered" in interp.open_run(tmp_path).status()
