"""A machine without room for a batch: halves, in answering and capture; run.json says so, and a resume obeys it."""

import json
import os

import pytest
from crash import OPTIONS, contents, kill_at, with_model
from moments import in_child

import interp
import interp.capturing.one_pass as one_pass
import interp.generating.generation as generation


def room_for(most: int, tried: list[int]) -> None:
    """From now on in this process, more samples than `most` are too many, in both passes."""
    answer, capture = generation._generate_batch, one_pass.OnePass.__call__

    def checked(work, count):
        def call(*args):
            tried.append(count(*args))
            if tried[-1] > most:
                raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
            return work(*args)

        return call

    generation._generate_batch = checked(answer, lambda _, suffixes, *others: len(suffixes))
    one_pass.OnePass.__call__ = checked(capture, lambda _, samples: len(samples))


@pytest.mark.parametrize(
    "target",
    ["interp.generating.answer_log.append_lines", "interp.storing.shard_io.write_json"],
    ids=["answers", "shards"],
)
def test_what_was_halved_is_recorded_and_halved_at_once_after_a_kill(
    llama, llama_folder, data, tmp_path, target
) -> None:
    def until_probing(out, *, most, kill):
        def act():
            tried: list[int] = []
            room_for(most, tried)

            def probing(*_, **__):
                (tmp_path / "tried.json").write_text(json.dumps(tried))
                os._exit(77)

            interp.running.pipeline.analyse = probing
            if kill:
                kill_at(target, 2)
            if (out / "run.json").exists():
                interp.resume(out, n_jobs=1)
            else:
                interp.run(model=llama_folder, data=data, out=out, n_jobs=1, **OPTIONS)

        return in_child(with_model(llama, act))

    whole, broken = tmp_path / "whole", tmp_path / "broken"
    assert until_probing(whole, most=3, kill=False) == 77
    record = json.loads((whole / "run.json").read_text())
    split = {"answers": record["answer_batches"]["split"], "shards": record["batches"]["split"]}
    assert split["answers"] and split["shards"]
    assert all(max(sizes) <= 3 for sizes in [*split["answers"].values(), *split["shards"].values()])
    assert max(json.loads((tmp_path / "tried.json").read_text())) > 3
    assert until_probing(broken, most=3, kill=True) == -9
    begun = json.loads((broken / "run.json").read_text())
    assert begun["answer_batches"]["split"]  # on the disk before the halves ran
    assert until_probing(broken, most=3, kill=False) == 77
    tried = json.loads((tmp_path / "tried.json").read_text())
    assert tried[0] <= 3  # halved at once
    assert contents(broken) == contents(whole)
    after = json.loads((broken / "run.json").read_text())
    assert {"answers": after["answer_batches"]["split"], "shards": after["batches"]["split"]} == split
