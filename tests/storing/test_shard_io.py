"""The store: what was written is read back bit for bit, and what is not there is named."""

import json

import pytest
import safetensors.torch
import torch
from drawn_shards import ROLES, shard, write
from hypothesis import given
from hypothesis import strategies as st

from interp import RunError
from interp.storing.shard_files import finished_shards, verify_shards
from interp.storing.shard_io import ShardReader, ShardWriter
from interp.support.safetensors_stream import describe, layout, serialized

DTYPES = [torch.float16, torch.bfloat16, torch.float32, torch.float64]


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
