"""Shards in an object store of Amazon's protocol: package s3fs, and moto's server in a thread of this process.

`make test-objects` installs both beside the environment, whose python-dateutil is newer than they allow.
"""

import pytest
import torch
from drawn_shards import ROLES, shard, write

from interp.errors import RunError
from interp.storing.remote import RemotePath
from interp.storing.shard_files import finished_shards, verify_shards
from interp.storing.shard_io import ShardReader, ShardWriter

pytest.importorskip("s3fs", reason="make test-objects installs it")
moto_server = pytest.importorskip("moto.server", reason="make test-objects installs it")


@pytest.fixture(scope="module")
def bucket():
    """A bucket that is told by the environment where it is and who may use it, as a machine's configuration would."""
    import fsspec

    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "key")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        fsspec.filesystem("s3").mkdir("runs")
        yield "s3://runs"
    server.stop()


def test_a_bucket_holds_the_bytes_of_a_folder_and_reads_them_back(bucket, tmp_path) -> None:
    place, ids = RemotePath.read(f"{bucket}/first/activations"), (["a", "b", "c"], ["d", "e"])
    write(place, ids)
    write(tmp_path, ids)
    assert [path.name for path in place.iterdir()] == sorted(path.name for path in tmp_path.iterdir())
    assert all((place / path.name).read_bytes() == path.read_bytes() for path in tmp_path.iterdir())
    assert verify_shards(place, run="run-a", expected=2) == []
    there, here = (ShardReader(folder).read("resid_post", layer=1, role="-1") for folder in (place, tmp_path))
    assert torch.equal(there.nan_to_num(), here.nan_to_num())
    (place / "shard-00001.safetensors").write([b"other bytes"])
    with pytest.raises(RunError, match="s3://runs/first/activations/shard-00001.safetensors: damaged: expected"):
        finished_shards(place)


def test_an_upload_that_breaks_off_is_not_there_and_is_made_again(bucket) -> None:
    """Of 12 MB, in parts of 5 MB and more: the store shows nothing until the last part is there."""
    place = RemotePath.read(f"{bucket}/second/activations")
    writer = ShardWriter(place, run="run-a", roles=ROLES)
    tensors, ids, valid = shard(["a", "b"])
    large = tensors | {"z.0": torch.zeros(2, 2, 3 << 19)}

    def chunks():
        yield bytes(60 << 20)
        raise ConnectionError("the network is gone")

    with pytest.raises(RunError, match="cannot be written: the network is gone"):
        (place / "shard-00000.safetensors").write(chunks())
    assert not (place / "shard-00000.safetensors").exists() and finished_shards(place) == []
    writer.write(0, large, ids, valid=valid)
    assert verify_shards(place, expected=1) == [] and len(finished_shards(place)) == 1
    place.__truediv__("shard-00000.json").remove()
    assert finished_shards(place) == []


def test_a_store_that_refuses_is_one_sentence(bucket) -> None:
    with pytest.raises(RunError, match=r"s3://no-such-bucket/x/shard-00000.safetensors: cannot be|no-such-bucket"):
        (RemotePath.read("s3://no-such-bucket/x") / "shard-00000.safetensors").write([b"x"])
