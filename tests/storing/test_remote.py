"""Shards behind a URL: the bytes of a folder, checked and read back alike, and an upload that broke off is made again."""

import json
import shutil
import uuid

import fsspec
import pytest
import torch
from drawn_shards import ROLES, shard, write

import interp
from interp.errors import DataError, RunError
from interp.storing.parcel import Parcel
from interp.storing.remote import RemotePath
from interp.storing.shard_files import finished_shards, verify_shards
from interp.storing.shard_io import ShardReader, ShardWriter


@pytest.fixture
def url():
    """A folder of a store in memory."""
    fsspec.filesystem("memory").store.clear()
    return f"memory://shards-{uuid.uuid4().hex}/activations"


IDS = (["a", "b", "c"], ["d", "e"])


def files(url: str) -> dict[str, bytes]:
    fs = fsspec.filesystem("memory")
    return {path.rsplit("/", 1)[1]: fs.cat_file(path) for path in fs.find(url)}


def test_a_url_holds_the_bytes_of_a_folder_and_reads_them_back(url, tmp_path) -> None:
    place = RemotePath.read(url)
    written = write(place, IDS)
    write(tmp_path, IDS)
    assert files(url) == {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    there, here = ShardReader(place, run="run-a"), ShardReader(tmp_path, run="run-a")
    for key in ("embed", "resid_post.1", "attention.entropy.0"):
        site, _, layer = key.rpartition(".") if key != "embed" else (key, "", "")
        options = {"layer": int(layer) if layer else None, "samples": ["e", "a"], "role": "-1"}
        assert torch.equal(there.read(site, **options).nan_to_num(), here.read(site, **options).nan_to_num())
    assert torch.equal(there.read("embed").nan_to_num(), torch.cat([one["embed"] for one in written]).nan_to_num())
    assert verify_shards(place, run="run-a", expected=2) == []


def test_a_shard_that_is_packed_elsewhere_is_put_as_if_it_had_been_written(tmp_path) -> None:
    tensors, ids, valid = shard(["a", "b", "c"])
    for name in ("written", "put"):
        writer = ShardWriter(tmp_path / name, run="run-a", roles=ROLES)
        if name == "written":
            writer.write(2, tensors, ids, valid=valid, batches=3)
        else:
            parcel = writer.packed(2, tensors, ids, valid=valid, batches=3)
            assert isinstance(parcel, Parcel) and not list((tmp_path / name).iterdir())
            writer.put(parcel)
    one, two = ({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("written", "put"))
    assert one == two and len(one) == 2


def test_what_is_damaged_foreign_or_missing_at_a_url_is_named(url) -> None:
    place, fs = RemotePath.read(url), fsspec.filesystem("memory")
    write(place, IDS)
    name = f"{url}/shard-00001.safetensors"
    whole = fs.cat_file(name)
    fs.pipe_file(name, whole[:-1] + bytes([whole[-1] ^ 1]))
    assert "shard-00001.safetensors: damaged: its bytes" in verify_shards(place)[0]
    fs.pipe_file(name, whole[:-1])
    with pytest.raises(RunError, match=r"memory://.*shard-00001.safetensors: damaged: expected \d+ bytes"):
        finished_shards(place)
    fs.rm_file(name)
    with pytest.raises(RunError, match="it is missing, although its marker"):
        finished_shards(place)
    with pytest.raises(RunError, match="belongs to a run of another model"):
        ShardWriter(place, run="run-b", roles=ROLES)


def test_an_upload_that_breaks_off_leaves_no_marker_and_is_made_again(url, monkeypatch) -> None:
    place, fs = RemotePath.read(url), fsspec.filesystem("memory")
    tensors, ids, valid = shard(["a", "b"])
    writer, calls = ShardWriter(place, run="run-a", roles=ROLES), []
    write_bytes = fsspec.implementations.memory.MemoryFile.write

    def breaking(self, data):
        calls.append(len(data))
        if len(calls) == 3:
            raise ConnectionError("the network is gone")
        return write_bytes(self, data)

    with monkeypatch.context() as patch:
        patch.setattr(fsspec.implementations.memory.MemoryFile, "write", breaking, raising=False)
        with pytest.raises(RunError, match="cannot be written: the network is gone; what was finished is kept"):
            writer.write(0, tensors, ids, valid=valid)
    assert not fs.exists(f"{url}/shard-00000.json") and finished_shards(place) == []
    writer.write(0, tensors, ids, valid=valid)
    assert verify_shards(place, expected=1) == []
    size = type(fs).size
    monkeypatch.setattr(type(fs), "size", lambda self, path: size(self, path) - 1)
    with pytest.raises(RunError, match=r"\d+ bytes were written and \d+ are there"):
        writer.write(1, tensors, ids, valid=valid)


def test_a_folder_whose_name_looks_like_a_pattern_holds_its_own_shards_and_no_others(url) -> None:
    for name, ids in (("run[1]", IDS), ("run1", IDS[:1]), ("run*", IDS[1:])):
        place = RemotePath.read(f"{url}/{name}")
        assert list(place.iterdir()) == []
        write(place, ids)
    for name, shards in (("run[1]", 2), ("run1", 1), ("run*", 1)):
        place = RemotePath.read(f"{url}/{name}")
        assert [path.name for path in place.glob("*.json")] == [f"shard-{n:05d}.json" for n in range(shards)]
        assert len(finished_shards(place)) == shards and verify_shards(place, expected=shards) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("s3://[", "expected a URL like s3://bucket/folder, got none: Invalid IPv6 URL"),
        ("s3://key:secret@[bucket/folder", "expected a URL like s3://bucket/folder, got none"),
        ("here", "expected a URL like s3://"),
        ("s3://key:secret@bucket/folder", "holds a name, a key, options or a fragment"),
        ("s3://bucket/folder?token=1", "holds a name, a key, options or a fragment"),
        ("s3://key:secr#et@bucket/folder", "holds a name, a key, options or a fragment"),
        ("s3://bucket/folder#secret", "holds a name, a key, options or a fragment"),
        ("memory://", "expected a URL like s3://bucket/folder"),
        ("s3:///folder", "expected a URL like s3://bucket/folder"),
        ("file:///etc", "expected a URL like s3://"),
        ("https://example.org/shards", "expected a URL like s3://"),
        ("gs://bucket/folder", "gs:// cannot be used here"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_and_no_secret_is_said(text, message) -> None:
    with pytest.raises(DataError, match=message) as refused:
        RemotePath.read(text)
    assert "secr" not in str(refused.value) and "token=1" not in str(refused.value)


def test_a_run_keeps_its_activations_at_a_url_and_goes_on_there(url, llama_folder, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("interp.storing.shards.SHARD_SAMPLES", 8)
    row = {"answer": "Peru", "completion": " It is in Peru."}
    rows = [row | {"id": f"r{i}", "question": f"Where is {i}?", "correct": i % 3 > 0} for i in range(24)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    asked = {"model": llama_folder, "data": tmp_path / "rows.jsonl", "batch_tokens": 200}
    asked |= {"permutations": 0, "controls": False, "n_jobs": 1, "roles": ("last_q", "exact_answer_last")}
    here = interp.run(out=tmp_path / "here", **asked)
    there = interp.run(out=tmp_path / "there", activations=url, **asked)
    assert files(url) == {path.name: path.read_bytes() for path in here.folder.activations.iterdir()}
    assert (there.folder.path / "activations.url").read_text() == f"{url}\n" and there.verify() == []
    assert not (there.folder.path / "activations").exists()
    for name in ("samples.jsonl", "grid.csv", "comparison.json"):
        assert (there.folder.path / name).read_bytes() == (here.folder.path / name).read_bytes(), name

    before, out = files(url), shutil.copytree(there.folder.path, tmp_path / "stopped")
    record = json.loads((out / "run.json").read_text())
    (out / "run.json").write_text(json.dumps(record | {"state": "capturing"}))
    fsspec.filesystem("memory").rm_file(f"{url}/shard-00001.json")
    (out / "grid.csv").unlink()
    left = sum(len(json.loads(content)["sample_ids"]) for name, content in files(url).items() if name.endswith("json"))
    assert 0 < left < 24 and f"; {left} captured in " in interp.open_run(out).status()
    resumed = interp.resume(out, n_jobs=1)
    assert resumed.record["state"] == "done" and files(url) == before
    assert (out / "grid.csv").read_bytes() == (here.folder.path / "grid.csv").read_bytes()
