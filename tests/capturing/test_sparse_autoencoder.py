"""SAEs as SAELens wrote them: their features are those of SAELens's own `encode`."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from interp.capturing.sparse_autoencoder import ARCHITECTURES, read_sae, read_saes, same_stream
from interp.errors import DataError

SAES = Path(__file__).parents[1] / "fixtures" / "activations" / "sae_lens"


@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_features_are_those_of_sae_lens(kind: str) -> None:
    sae, wanted = read_sae(SAES / kind), load_file(SAES / kind / "encoded.safetensors")
    found = sae.encode(wanted["x"])
    torch.testing.assert_close(found, wanted["features"], rtol=1e-5, atol=1e-5)
    active = (wanted["features"] > 0).sum(1)
    assert 0 < int(active.min()) < 48 and (kind != "topk" or int(active.max()) <= 6)
    assert not torch.allclose(sae.encode(wanted["x"].flip(-1)), wanted["features"])
    stacked = sae.encode(wanted["x"].reshape(5, 1, 128).bfloat16())
    assert stacked.shape == (5, 1, 48) and stacked.dtype == torch.float32
    undefined = sae.encode(torch.full((1, 128), torch.nan))
    assert undefined.isnan().any()


def copied(tmp_path: Path, kind: str, **changed: object) -> Path:
    folder = tmp_path / kind
    shutil.copytree(SAES / kind, folder)
    config = json.loads((folder / "cfg.json").read_text())
    (folder / "cfg.json").write_text(json.dumps(config | changed))
    return folder


def test_a_configuration_of_sae_lens_before_6_is_read(tmp_path) -> None:
    folder = copied(tmp_path, "topk", architecture="standard", metadata=None, hook_name="blocks.5.hook_resid_post",
                    activation_fn_str="topk", activation_fn_kwargs={"k": 6}, k=None)  # fmt: skip
    wanted = load_file(SAES / "topk" / "encoded.safetensors")
    torch.testing.assert_close(read_sae(folder).encode(wanted["x"]), wanted["features"], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"architecture": "gated"}, r"a SAE of the kind 'gated' .* let SAELens save it as one of them"),
        ({"normalize_activations": "expected_average_only_in"}, "normalises by 'expected_average_only_in'"),
        ({"metadata": {}}, "names no hook point"),
        ({"metadata": {"hook_name": "blocks.1.ln1.hook_scale"}}, "is no site that interp knows"),
        ({"d_sae": 47}, r"expected W_enc of shape \(128, 47\) .* got \(128, 48\)"),
        ({"d_in": "x"}, "d_in: expected a whole number from 1, got 'x'"),
    ],
)
def test_other_kinds_and_shapes_are_refused(tmp_path, changed: dict, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_sae(copied(tmp_path, "standard", **changed))


def test_damaged_files_are_refused(tmp_path) -> None:
    folder = copied(tmp_path, "topk", k=49)
    with pytest.raises(DataError, match="k: expected a whole number from 1 to 48, got 49"):
        read_sae(folder)
    (folder / "cfg.json").write_text("[")
    with pytest.raises(DataError, match="expected the configuration of a SAE"):
        read_sae(folder)
    (folder / "cfg.json").write_text(" " * ((1 << 20) + 1))
    with pytest.raises(DataError, match="larger than a configuration can be"):
        read_sae(folder)
    other = copied(tmp_path, "standard")
    (other / "sae_weights.safetensors").write_bytes(b"x")
    with pytest.raises(DataError, match="expected the weights of a SAE"):
        read_sae(other)
    with pytest.raises(DataError, match="expected the configuration of a SAE"):
        read_saes(tmp_path / "nowhere")


def test_subfolders_are_layers_of_one_site(tmp_path) -> None:
    copied(tmp_path, "standard")
    copied(tmp_path, "jumprelu")
    assert [sae.layer for sae in read_saes(tmp_path)] == [2, 5]
    copied(tmp_path, "topk")  # of layer 5 too
    with pytest.raises(DataError, match="one for each layer"):
        read_saes(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="expected a SAE of SAELens .* or a subfolder"):
        read_saes(tmp_path / "empty")


def test_before_a_block_is_after_the_one_before() -> None:
    assert same_stream("resid_pre", 3) == [("resid_pre", 3), ("resid_post", 2)]
    assert same_stream("resid_pre", 0) == [("resid_pre", 0)]
    assert same_stream("resid_post", 2) == [("resid_post", 2), ("resid_pre", 3)] and same_stream("z", 1) == [("z", 1)]
    weights = load_file(SAES / "standard" / "sae_weights.safetensors")
    assert {"W_enc", "W_dec", "b_enc", "b_dec"} <= {*weights} and save_file is not None
