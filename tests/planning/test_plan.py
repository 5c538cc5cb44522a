"""plan: what it says of rows, batches and disk before a run is what the run then does."""

import json
import random
from pathlib import Path

import pytest

import interp
from interp import demo
from interp.command.cli import main
from interp.errors import DataError, RunError
from interp.planning.footprint import check_room, disk_bytes, sample_bytes, shard_specs
from interp.planning.shapes import Shapes
from interp.support.units import gigabytes

COUNTRIES = ("France", "Spain", "Italy", "Kenya", "Peru")
FAST = {"permutations": 0, "controls": False, "probe": "mass-mean"}
OPTIONS = {"sites": ("resid_post", "mlp_post", "z"), "batch_tokens": 700, "max_new_tokens": 4}


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """Rows that bring completions and rows to be answered; two are too long, one is empty."""
    rng, rows = random.Random(0), []
    for i in range(90):
        truth, said = rng.choice(COUNTRIES), rng.choice(COUNTRIES)
        row = {"id": f"row-{i}", "question": f"Where is city {i}?" + " Tell me." * (i % 4), "answer": truth}
        rows.append(row if i % 5 == 0 else row | {"completion": f" It is in {said}.", "correct": i % 3 == 0})
    rows[3]["completion"] = ""
    for i in (10, 11):
        rows[i]["question"] = "Where? " * 90
    path = tmp_path_factory.mktemp("data") / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def finished(llama_folder, data, tmp_path_factory) -> interp.Run:
    out = tmp_path_factory.mktemp("runs") / "run"
    return interp.run(model=llama_folder, data=data, out=out, n_jobs=1, **FAST, **OPTIONS)


@pytest.fixture(scope="module")
def planned(llama_folder, data) -> interp.Plan:
    return interp.plan(model=llama_folder, data=data, time=False, **OPTIONS)


def test_excluded_rows_are_those_of_the_run(planned, finished) -> None:
    for status in ("too_long", "empty"):
        of_run = tuple(id for id, s in zip(finished.answers.id, finished.answers.status, strict=True) if s == status)
        assert planned.excluded[status] == of_run and of_run
    assert planned.rows == 90 and planned.answered == 17  # 18 without a completion, one of them too long
    lengths = sorted(map(len, finished.answers.prompt_ids))
    assert planned.prompt_tokens == (lengths[0], lengths[45], lengths[-1])


def test_disk_is_what_the_run_took(planned, finished) -> None:
    files = list(finished.folder.activations.iterdir())
    assert planned.disk == pytest.approx(sum(path.stat().st_size for path in files), rel=0.02)
    assert planned.disk == pytest.approx(sum(path.stat().st_size for path in files), rel=0.002)
    assert planned.shards == len(files) // 2 > 1


def test_the_size_of_given_shards_is_exact(llama_folder, finished) -> None:
    config = interp.models.loading.read_config(llama_folder)[0]
    shards = interp.storing.shard_files.finished_shards(finished.folder.activations)
    shapes = Shapes.of_config(config, "float32")
    sites, roles = OPTIONS["sites"], interp.ROLES
    for shard in shards:
        assert shard_specs(shapes, sites, roles, len(shard.sample_ids)) == shard.tensors
    total = sum(path.stat().st_size for path in finished.folder.activations.iterdir())
    assert disk_bytes(shapes, sites, roles, [shard.sample_ids for shard in shards]) == total
    headers = shards[0].size - len(shards[0].sample_ids) * sample_bytes(shapes, sites, len(roles))
    assert 0 < headers < 10_000


@pytest.mark.parametrize("name", ["gpt2", "llama", "mistral", "qwen3", "gemma3_text", "gpt_neox", "olmo2"])
def test_shapes_of_the_configuration_are_those_of_the_model(name) -> None:
    import torch
    from tiny_models import ARCHITECTURES
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.for_model(name, **ARCHITECTURES[name])
    found = Shapes.of_config(config, "bfloat16")
    model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    assert found.n_params == sum(weight.numel() for weight in model.parameters())
    assert (found.n_layers, found.n_heads, found.d_model, found.n_ctx) == (4, 4, 32, 64)
    assert found.itemsize == 2
    down = next(w for key, w in model.named_modules() if key.endswith(("down_proj", "mlp.c_proj", "dense_4h_to_h")))
    out = next(w for key, w in model.named_modules() if key.endswith(("o_proj", "attn.c_proj", "attention.dense")))
    sizes = [layer.weight.shape[0] if name == "gpt2" else layer.in_features for layer in (down, out)]
    assert [found.width("mlp_post"), found.width("z")] == sizes


def test_the_loaded_model_has_the_same_shapes(llama_folder, llama) -> None:
    config = interp.models.loading.read_config(llama_folder)[0]
    a, b = Shapes.of_config(config, "float32"), Shapes.of_model(llama)
    assert {k: v for k, v in vars(a).items() if k != "n_params"} == {
        k: v for k, v in vars(b).items() if k != "n_params"
    }


def test_the_shared_prefix_is_counted_once(llama_folder, data) -> None:
    template = "Question: where is the city of Paris? Answer: Paris is in France.\nQuestion: {question} Answer:"
    planned = interp.plan(model=llama_folder, data=data, time=False, prompt_template=template, **OPTIONS)
    bare = interp.plan(model=llama_folder, data=data, time=False, prompt_template="{question}", **OPTIONS)
    assert bare.shared_prefix == 0 and planned.shared_prefix > 16
    kept = 90 - len(planned.excluded["too_long"])
    assert planned.saved_tokens == planned.shared_prefix * (kept - 1)


def test_no_weights_are_read_without_times(llama_folder, data, tmp_path) -> None:
    for path in llama_folder.iterdir():
        if not path.name.endswith(".safetensors"):
            (tmp_path / path.name).write_bytes(path.read_bytes())
    assert interp.plan(model=tmp_path, data=data, time=False, **OPTIONS).disk > 0


def test_times_come_from_a_few_rows_and_the_words_say_so(llama, data, tmp_path) -> None:
    planned = interp.plan(model=llama, data=data, out=tmp_path / "a" / "b", permutations=10, **OPTIONS)
    assert set(planned.seconds) == {"answering", "capturing", "probing"} and min(planned.seconds.values()) > 0
    text = str(planned)
    for part in ("90 rows, 17 to be answered; 3 left out", "too_long: 2 (row-10, row-11)", "from 48 rows", "disk: "):
        assert part in text, text
    assert not (tmp_path / "a").exists()


def test_a_share_of_an_array_takes_its_part_of_the_time(llama, llama_folder, data, tmp_path, monkeypatch) -> None:
    took = {"answering": 80.0, "capturing": 40.0}
    monkeypatch.setattr("interp.planning.timing.time_model", lambda *_, **__: (dict(took), []))
    monkeypatch.setattr("interp.planning.timing.time_probes", lambda *_: 16.0)
    (tmp_path / "parts").mkdir()  # the folder of an array holds what its other tasks made
    shared = interp.plan(model=llama_folder, data=data, out=tmp_path, shard="3/8", **OPTIONS)
    assert shared.seconds == {"answering": 10.0, "capturing": 5.0, "probing": 16.0}
    assert "share 3/8: the times of answering and capturing are those of this task, one part in 8" in str(shared)
    whole = interp.plan(model=llama_folder, data=data, **OPTIONS)
    assert whole.seconds == took | {"probing": 16.0} and (whole.disk, whole.machines) == (shared.disk, ())
    for wrong, message in (
        ({"shard": "9/8"}, "shard: expected i/N"),
        ({"engine": "dask"}, "engine: expected one of local, ray"),
        ({"address": "head:6379"}, "address: is that of a Ray cluster"),
        ({"activations": "here"}, "activations: expected a URL"),
    ):
        with pytest.raises(DataError, match=message):
            interp.plan(model=llama_folder, data=data, **wrong)
    with pytest.raises(RunError, match="loads the model in every worker"):
        interp.plan(model=llama, data=data, engine="ray")


def test_a_store_needs_no_room_here_and_a_cluster_divides_the_time(llama_folder, data, monkeypatch, capsys) -> None:
    monkeypatch.setattr("interp.planning.plan.free_bytes", lambda _: 1000)
    planned = interp.plan(model=llama_folder, data=data, time=False, activations="memory://bucket/run", **OPTIONS)
    assert planned.free is None and not any("room" in one or " free" in one for one in planned.warnings)
    for said in (str(planned), planned._repr_html_()):
        assert "in a store" in said and "activations: kept at memory://bucket/run, so that this disk needs no" in said
    words = ["plan", "--model", str(llama_folder), "--data", str(data), "--no-time", "--engine", "ray"]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "on Ray: the times of answering and capturing are those of one worker" in said
    assert "warning: the activations need" in said and "1 kB free" in said


def test_the_command_line_plans(llama_folder, data, tmp_path, capsys) -> None:
    status = main(
        ["plan", "--model", str(llama_folder), "--data", str(data), "--out", str(tmp_path / "out"), "--no-time"]
    )
    assert status == 0 and "time: not estimated" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_too_little_room_is_an_error_before_anything_is_answered(llama_folder, data, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("interp.planning.footprint.free_bytes", lambda _: 1 << 26)
    with pytest.raises(RunError, match=r"the activations of 90 samples need .* MB are free; make room"):
        interp.run(model=llama_folder, data=data, out=tmp_path / "out", **OPTIONS)
    assert not (tmp_path / "out").exists()
    monkeypatch.setattr("interp.planning.plan.free_bytes", lambda _: 1000)
    planned = interp.plan(model=llama_folder, data=data, time=False, **OPTIONS)
    assert "warning: the activations need" in str(planned) and "1 kB are free" in str(planned)


def test_a_model_of_seven_billion_is_counted_by_the_formula() -> None:
    seven = Shapes(
        n_layers=32,
        n_heads=32,
        d_model=4096,
        d_head=128,
        d_mlp=14336,
        n_ctx=4096,
        d_vocab=32000,
        n_params=7_240_000_000,
        dtype="bfloat16",
    )
    vectors, metrics = 15 * 2 * 33 * 4096, 15 * 4 * 32 * len(interp.capturing.attention.METRICS) * 32
    assert sample_bytes(seven, ("resid_post",), 15) == vectors + metrics + 15 + 4 * 4096
    check_room(Path("."), seven, ("resid_post",), 15, 0)
    assert gigabytes(sample_bytes(seven, ("resid_post",), 15) * 10_000) == "46.9 GB"


def test_what_run_would_refuse_plan_refuses(llama_folder, data) -> None:
    with pytest.raises(DataError, match="sites: expected one of resid_post"):
        interp.plan(model=llama_folder, data=data, sites=("nowhere",))


def test_a_plan_needs_no_folder(capsys):
    data = str(demo.questions_path())
    assert main(["plan", "--model", str(demo.model_path()), "--data", data, "--limit", "40", "--no-time"]) == 0
    assert "40 rows" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["run", "--model", str(demo.model_path()), "--data", data])
    assert "--out" in capsys.readouterr().err
