"""The store when something breaks: damaged, missing and foreign shards, full disks, kill -9; noticed and named."""

import json
import resource
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from drawn_shards import ROLES, shard, write

from interp import RunError
from interp.storing.shard_files import finished_shards, verify_shards
from interp.storing.shard_io import ShardReader, ShardWriter


@pytest.fixture
def folder(tmp_path):
    """Three finished shards."""
    write(tmp_path / "activations", [["a", "b", "c"], ["d", "e"], ["f"]])
    return tmp_path / "activations"


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


def test_a_flipped_bit_is_noticed_when_its_tensor_is_read(folder):
    """Anywhere in the file; a tensor whose bits are as they were is still read."""
    path = folder / "shard-00001.safetensors"
    whole, sound = path.read_bytes(), 0
    for bit in range(0, 8 * len(whole), 61):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        reader, damaged = ShardReader(folder), 0
        for key in reader.keys:
            name, _, layer = key.rpartition(".") if "." in key else (key, "", "")
            try:
                reader.read(name, layer=int(layer) if layer else None)
                sound += 1
            except RunError as error:
                assert "shard-00001.safetensors: damaged: its " in str(error) and "remove it and" in str(error)
                damaged += 1
        assert damaged in (1, len(reader.keys))
    assert sound


def test_every_flipped_bit_of_a_marker_is_noticed(folder):
    path = folder / "shard-00001.json"
    whole = path.read_bytes()
    before, harmless = finished_shards(folder), 0
    for bit in range(0, 8 * len(whole), 17):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        try:
            shards = finished_shards(folder)
        except RunError as error:
            assert "shard-00001.safetensors: damaged: its marker" in str(error)
        else:
            assert shards == before  # white space between its entries
            harmless += 1
    assert harmless < len(whole) / 17


def test_two_shards_that_changed_places_are_noticed(folder):
    write(folder, [["a", "b", "c"], ["d", "e"], ["f"]][:1])
    write(folder.with_name("other"), [["a", "b", "c"], ["g", "h", "i"]])
    (folder.with_name("other") / "shard-00001.safetensors").rename(folder / "shard-00000.safetensors")
    with pytest.raises(RunError, match="shard-00000.safetensors: damaged: its tensor .* is not as it was written"):
        ShardReader(folder).read("resid_post", layer=0)


def test_a_shard_of_an_earlier_version_has_no_sums(folder):
    for path in folder.glob("*.json"):
        values = json.loads(path.read_text())
        assert values.pop("crc32") and values.pop("check")
        path.write_text(json.dumps(values))
    assert len(ShardReader(folder).read("resid_post", layer=0)) == 6


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
        with pytest.raises(RunError, match="shard-00003.safetensors: cannot be written: File too large; "):
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
from interp.storing.shard_io import ShardWriter
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
        patch.setattr("interp.storing.shard_io.write_json", killed)
        writer.write(2, tensors, ids, valid=valid)
    assert [each.index for each in finished_shards(folder)] == [0, 1]
    assert verify_shards(folder, expected=2) == []
