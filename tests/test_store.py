"""The store: what was written is read back bit for bit, and whatever breaks it is noticed and named."""

import json
import os
import resource
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import safetensors.torch
import torch
from hypothesis import given
from hypothesis import strategies as st

from interp import RunError
from interp.atomic import append_lines, read_lines, write_json, write_text
from interp.runs.safetensors_stream import describe, layout, serialized
from interp.runs.store import ShardReader, ShardWriter, finished_shards, verify_shards

ROLES = ("last_q", "-1")
DTYPES = [torch.float16, torch.bfloat16, torch.float32, torch.float64]


def shard(ids, dtype=torch.bfloat16, layers=2, seed=0):
    """Tensors of one shard as capture gives them: views of stacked tensors, NaN where a role is absent."""
    generator = torch.Generator().manual_seed(seed)
    valid = torch.rand(len(ids), 2, generator=generator) < 0.8
    resid = torch.randn(len(ids), layers, 2, 5, generator=generator).to(dtype)
    resid = torch.where(valid[:, None, :, None], resid, torch.nan)
    entropy = torch.rand(len(ids), layers, 3, 2, generator=generator)
    tensors = {"embed": resid[:, 0] * 2}
    for layer in range(layers):
        tensors |= {f"resid_post.{layer}": resid[:, layer], f"attention.entropy.{layer}": entropy[:, layer]}
    return tensors, ids, valid


def write(folder, shards, run="run-a", **options):
    """Write one shard per list of ids; returns the tensors written."""
    writer = ShardWriter(folder, run=run, roles=ROLES)
    written = []
    for index, ids in enumerate(shards):
        tensors, ids, valid = shard(ids, seed=index, **options)
        writer.write(index, tensors, ids, valid=valid)
        written.append(tensors | {"valid": valid})
    return written


def same(a, b):
    return a.dtype == b.dtype and torch.equal(torch.nan_to_num(a, nan=123.0), torch.nan_to_num(b, nan=123.0))


@pytest.fixture
def folder(tmp_path):
    """Three finished shards."""
    write(tmp_path / "activations", [["a", "b", "c"], ["d", "e"], ["f"]])
    return tmp_path / "activations"


@pytest.mark.parametrize("dtype", DTYPES)
def test_everything_comes_back_bit_for_bit(tmp_path, dtype):
    written = write(tmp_path, [["c", "a"], ["b"]], dtype=dtype)
    reader = ShardReader(tmp_path, run="run-a")
    assert reader.sample_ids == ("c", "a", "b") and reader.roles == ROLES
    for key in written[0]:
        site, _, layer = key.rpartition(".")
        site, layer = (site, int(layer)) if site else (key, None)
        whole = torch.cat([tensors[key] for tensors in written])
        assert same(reader.read(site, layer=layer), whole), key
        for number, role in enumerate(ROLES):
            one = whole.select(2 if site.startswith("attention.") else 1, number)
            assert same(reader.read(site, layer=layer, role=role), one), key
            assert same(reader.read(site, layer=layer, role=role, samples=["b", "c"]), one[[2, 0]]), key


@given(
    shapes=st.dictionaries(
        st.text(st.characters(codec="utf-8"), max_size=8).filter(lambda key: key != "__metadata__"),
        st.tuples(st.sampled_from([*DTYPES, torch.bool]), st.lists(st.integers(0, 4), min_size=1, max_size=4)),
        max_size=5,
    )
)
def test_the_stream_is_a_safetensors_file(shapes):
    tensors = {key: (torch.randn(shape) * 3).to(dtype) for key, (dtype, shape) in shapes.items()}
    strided = {key: torch.stack([tensor, tensor], dim=-1)[..., 0] for key, tensor in tensors.items()}
    content = b"".join(serialized(strided))
    loaded = safetensors.torch.load(content)
    assert loaded.keys() == tensors.keys()
    for key, tensor in tensors.items():
        assert torch.equal(loaded[key], tensor)
    assert b"".join(serialized(dict(reversed(tensors.items())))) == content
    head, starts = layout(describe(tensors))
    assert content.startswith(head)
    assert all(start % tensors[key].element_size() == 0 for key, start in starts.items())


def test_a_second_writing_gives_the_same_bytes(folder, tmp_path):
    write(tmp_path / "again", [["a", "b", "c"], ["d", "e"], ["f"]])
    names = sorted(path.name for path in folder.iterdir())
    assert names == [f"shard-{n:05}.{end}" for n in range(3) for end in ("json", "safetensors")]
    for name in names:
        assert (folder / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_the_marker_says_what_was_written(folder):
    first = finished_shards(folder, run="run-a")[0]
    assert (first.run, first.index, first.sample_ids, first.roles) == ("run-a", 0, ("a", "b", "c"), ROLES)
    assert first.tensors["resid_post.1"] == {"dtype": "bfloat16", "shape": [3, 2, 5]}
    assert first.tensors["attention.entropy.0"] == {"dtype": "float32", "shape": [3, 3, 2]}
    assert first.size == (folder / "shard-00000.safetensors").stat().st_size
    assert json.loads((folder / "shard-00000.json").read_text())["sha256"] == first.sha256


def test_overflow_is_counted_and_absent_roles_are_not(tmp_path):
    tensors, ids, _ = shard(["a", "b"], dtype=torch.float32)
    valid = torch.tensor([[True, False], [True, True]])
    for key in ("resid_post.0", "resid_post.1", "embed"):
        tensors[key] = torch.zeros(2, 2, 5)
        tensors[key][0, 1] = torch.nan
    tensors["resid_post.1"][1, 1] = torch.tensor([1e5, -1e6, 6e4, 0, 0])
    tensors["resid_post.1"][0, 0, 2] = torch.nan
    tensors = {key: tensor.half() for key, tensor in tensors.items()}
    tensors["attention.entropy.0"][:] = torch.nan
    written = ShardWriter(tmp_path, run="r", roles=ROLES).write(0, tensors, ids, valid=valid)
    assert written.nonfinite == {"resid_post.1": 3}


def test_verify_is_content_with_sound_shards_and_misses_missing_ones(folder):
    assert verify_shards(folder, run="run-a", expected=3) == []
    problems = verify_shards(folder, expected=5)
    assert [problem.partition(":")[0] for problem in problems] == [
        str(folder / f"shard-0000{n}.safetensors") for n in (3, 4)
    ]
    assert verify_shards(folder.with_name("nowhere"), expected=1)[0].endswith("missing; write it with `interp resume`")
    assert finished_shards(folder.with_name("nowhere")) == []


def flip_bit(path, where=-3):
    content = bytearray(path.read_bytes())
    content[where] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("where", range(0, 400, 57))
def test_one_flipped_bit_is_found(folder, where):
    flip_bit(folder / "shard-00001.safetensors", where)
    (problem,) = verify_shards(folder, expected=3)
    assert "shard-00001.safetensors: damaged: its bytes are not those that were written" in problem
    assert "remove it and shard-00001.json, then write it again with `interp resume`" in problem


@pytest.mark.parametrize("size", [0, 1, 8, 100, -1])
def test_a_truncated_shard_is_refused(folder, size):
    path = folder / "shard-00001.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole[:size])
    message = rf"shard-00001.safetensors: damaged: expected {len(whole)} bytes, it has {len(whole[:size])}"
    for use in (finished_shards, ShardReader):
        with pytest.raises(RunError, match=message):
            use(folder)
    assert len(verify_shards(folder, expected=3)) == 1


def test_a_shard_of_zeros_is_refused_when_read(folder):
    path = folder / "shard-00001.safetensors"
    path.write_bytes(bytes(path.stat().st_size))
    with pytest.raises(RunError, match="shard-00001.safetensors: damaged: "):
        ShardReader(folder).read("resid_post", layer=0)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"run": "x"}', b"\xff\xfe", b"null", b'{"sha256": 1}'])
def test_a_damaged_marker_is_refused(folder, content):
    (folder / "shard-00001.json").write_bytes(content)
    with pytest.raises(RunError, match="shard-00001.safetensors: damaged: its marker cannot be read; remove it and"):
        ShardReader(folder)
    assert len(verify_shards(folder, expected=3)) == 1


def test_a_marker_under_another_name_is_refused(folder):
    (folder / "shard-00001.json").write_bytes((folder / "shard-00000.json").read_bytes())
    with pytest.raises(RunError, match="shard-00001.safetensors: damaged: its marker cannot be read"):
        finished_shards(folder)


def test_a_missing_shard_is_named_and_resuming_is_possible(folder):
    (folder / "shard-00001.safetensors").unlink()
    with pytest.raises(RunError, match="shard-00001.safetensors: damaged: it is missing"):
        ShardReader(folder)
    (folder / "shard-00001.json").unlink()
    assert [each.index for each in finished_shards(folder)] == [0, 2]
    tensors, ids, valid = shard(["d", "e"], seed=1)
    ShardWriter(folder, run="run-a", roles=ROLES).write(1, tensors, ids, valid=valid)
    assert verify_shards(folder, run="run-a", expected=3) == []


def test_a_shard_with_other_tensors_is_refused(folder):
    tensors, ids, valid = shard(["g", "h"], layers=3)
    ShardWriter(folder, run="run-a", roles=ROLES).write(3, tensors, ids, valid=valid)
    with pytest.raises(
        RunError, match="shard-00003.safetensors: damaged: it holds other tensors than the shards before"
    ):
        ShardReader(folder)
    assert len(verify_shards(folder, run="run-a", expected=4)) == 1


def test_a_foreign_shard_is_refused_by_reader_and_writer(folder, tmp_path):
    write(tmp_path / "other", [["a", "b", "c"], ["d", "e"]], run="run-b")
    for end in ("json", "safetensors"):
        (folder / f"shard-00001.{end}").write_bytes((tmp_path / "other" / f"shard-00001.{end}").read_bytes())
    for use in (ShardReader, finished_shards, lambda *a, **k: ShardWriter(*a, **k, roles=ROLES)):
        with pytest.raises(RunError, match="shard-00001.safetensors: belongs to a run of another model"):
            use(folder, run="run-a")
    (problem,) = verify_shards(folder, run="run-a", expected=3)
    assert "belongs to a run of another model, data or settings" in problem


def test_reader_names_what_is_not_there(folder):
    reader = ShardReader(folder)
    for ask, message in [
        (lambda: reader.read("resid_mid", layer=0), "there is no 'resid_mid.0'; it holds attention.entropy.0, "),
        (lambda: reader.read("resid_post", layer=2), r"there is no 'resid_post\.2'"),
        (lambda: reader.read("resid_post", layer=1, role="-2"), "there is no role '-2'; it holds last_q, -1"),
        (lambda: reader.read("resid_post", layer=1, samples=["a", "z"]), "no activations of sample 'z'"),
        (lambda: reader.read("resid_post", layer=1, samples=["a", "a"]), "got 2 ids of 1"),
    ]:
        with pytest.raises(RunError, match=message):
            ask()
    (folder.parent / "empty").mkdir()
    with pytest.raises(RunError, match="holds no finished shard"):
        ShardReader(folder.parent / "empty")


def test_a_sample_in_two_shards_is_refused(tmp_path):
    write(tmp_path, [["a", "b"], ["c", "b"]])
    with pytest.raises(RunError, match="sample 'b' stands in two shards"):
        ShardReader(tmp_path)


def test_ids_must_fit_the_samples(tmp_path):
    tensors, _, valid = shard(["a", "b"])
    writer = ShardWriter(tmp_path, run="r", roles=ROLES)
    for ids in (["a"], ["a", "a"], ["a", "b", "c"]):
        with pytest.raises(RunError, match="2 samples need as many different ids and rows"):
            writer.write(0, tensors, ids, valid=valid)
    assert list(tmp_path.iterdir()) == []


def test_a_reader_touches_only_the_shards_that_hold_the_samples(folder):
    reader = ShardReader(folder)
    (folder / "shard-00001.safetensors").unlink()
    assert reader.read("resid_post", layer=0, samples=["f", "a"]).shape == (2, 2, 5)
    with pytest.raises(RunError, match="shard-00001.safetensors: damaged"):
        reader.read("resid_post", layer=0, samples=["f", "d"])


def test_unwritable_places_are_a_clear_error(folder, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="file/activations: cannot be written: Not a directory"):
        ShardWriter(tmp_path / "file" / "activations", run="r", roles=ROLES)
    tensors, ids, valid = shard(["g"])
    (folder / ".shard-00003.safetensors.tmp").mkdir()  # stands for a folder without permission, also for root
    writer = ShardWriter.__new__(ShardWriter)
    writer.folder, writer.run, writer.roles = folder, "run-a", ROLES
    with pytest.raises(RunError, match="shard-00003.safetensors: cannot be written: Is a directory"):
        writer.write(3, tensors, ids, valid=valid)
    assert verify_shards(folder, run="run-a", expected=3) == []


def test_a_full_disk_keeps_the_finished_shards_and_leaves_no_rubbish(folder):
    writer = ShardWriter(folder, run="run-a", roles=ROLES)
    tensors, ids, valid = shard(["g"])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, hard))  # the file system's "no more" without a file system
    try:
        with pytest.raises(RunError, match="shard-00003.safetensors: cannot be written: File too large; make room"):
            writer.write(3, tensors, ids, valid=valid)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert verify_shards(folder, run="run-a", expected=3) == []
    assert not list(folder.glob(".*"))
    writer.write(3, tensors, ids, valid=valid)
    assert verify_shards(folder, run="run-a", expected=4) == []


WRITER = """
import sys, torch
from pathlib import Path
from interp.runs.store import ShardWriter
writer = ShardWriter(Path(sys.argv[1]), run="run-a", roles=("last_q", "-1"))
valid = torch.ones(4, 2, dtype=torch.bool)
print("ready", flush=True)
for index in range(10_000):
    tensors = {f"resid_post.{layer}": torch.full((4, 2, 20_000), float(index)) for layer in range(4)}
    writer.write(index, tensors, [f"{index}-{n}" for n in range(4)], valid=valid)
"""


@pytest.mark.parametrize("seed", range(2))
def test_kill_9_at_any_moment_leaves_whole_shards_only(tmp_path, seed):
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"ready\n"
    while not finished_shards(tmp_path):
        time.sleep(0.001)
    time.sleep(np.random.default_rng(seed).uniform(0, 0.05))
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    done = [each.index for each in finished_shards(tmp_path, run="run-a")]
    assert done == list(range(len(done))) and verify_shards(tmp_path, run="run-a", expected=len(done)) == []
    values = ShardReader(tmp_path).read("resid_post", layer=3, role="-1")[:, 0]
    assert values.tolist() == [float(index) for index in done for _ in range(4)]
    ShardWriter(tmp_path, run="run-a", roles=ROLES)
    assert not list(tmp_path.glob(".*"))


def test_temporary_files_and_shards_without_marker_do_not_exist(folder):
    (folder / ".shard-00003.safetensors.tmp").write_bytes(bytes(1000))
    (folder / "shard-00004.safetensors").write_bytes(bytes(1000))
    assert [each.index for each in finished_shards(folder)] == [0, 1, 2]
    assert verify_shards(folder, expected=3) == []
    writer = ShardWriter(folder, run="run-a", roles=ROLES)
    assert not (folder / ".shard-00003.safetensors.tmp").exists()
    tensors, ids, valid = shard(["g"])
    writer.write(4, tensors, ids, valid=valid)
    assert [each.index for each in finished_shards(folder)] == [0, 1, 2, 4]


def test_a_rewrite_that_is_interrupted_leaves_the_shard_unfinished_not_damaged(folder, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    writer = ShardWriter(folder, run="run-a", roles=ROLES)
    tensors, ids, valid = shard(["f"], seed=9)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("interp.runs.store.write_json", killed)
        writer.write(2, tensors, ids, valid=valid)
    assert [each.index for each in finished_shards(folder)] == [0, 1]
    assert verify_shards(folder, expected=2) == []


# Whole files


def test_write_text_replaces_or_leaves_alone(tmp_path):
    path = tmp_path / "run.json"
    write_text(path, "old\n")
    write_text(path, "new\n")
    assert path.read_bytes() == b"new\n"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    try:
        with pytest.raises(RunError, match="run.json: cannot be written: File too large"):
            write_text(path, "x" * 100)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == b"new\n" and os.listdir(tmp_path) == ["run.json"]
    with pytest.raises(RunError, match="gone/run.json: cannot be written: No such file or directory"):
        write_text(tmp_path / "gone" / "run.json", "x")


def test_write_json_is_json_for_every_reader(tmp_path):
    value = {
        "a": np.float64("nan"),
        "b": [float("inf"), np.int64(3), (1, 2)],
        3: np.array([0.5, np.nan]),
        "é": np.bool_(1),
    }
    write_json(tmp_path / "x.json", value)
    text = (tmp_path / "x.json").read_text(encoding="utf-8")
    loaded = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert loaded == {"a": None, "b": [None, 3, [1, 2]], "3": [0.5, None], "é": True}


@given(
    batches=st.lists(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\n")), max_size=3), max_size=4)
)
def test_lines_come_back_also_after_a_torn_one(tmp_path_factory, batches):
    path = tmp_path_factory.getbasetemp() / "samples.jsonl"
    path.unlink(missing_ok=True)
    assert read_lines(path) == []
    written = []
    for batch in batches:
        append_lines(path, batch)
        written += batch
        assert read_lines(path) == written
        with path.open("ab") as file:
            file.write(b'{"id": "torn \xc3')
        assert read_lines(path) == written
