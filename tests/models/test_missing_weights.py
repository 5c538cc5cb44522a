"""A model of which some weights are not in its files is refused: they would be random numbers."""

import shutil

import pytest
from safetensors.torch import load_file, save_file

from interp import ModelError, load_model
from interp.demo import model_path
from interp.models.missing_weights import check_complete


def changed(folder, change):
    shutil.copytree(model_path(), folder)
    weights = folder / "model.safetensors"
    save_file(change(load_file(weights)), weights, metadata={"format": "pt"})
    return folder


def without_one(weights):
    return {name: weight for name, weight in weights.items() if not name.endswith("layers.1.mlp.up_proj.weight")}


def renamed(weights):
    return {f"wrapped.{name}": weight for name, weight in weights.items()}


@pytest.mark.parametrize("change", [without_one, renamed])
def test_missing_weights_are_named(tmp_path, change):
    with pytest.raises(ModelError, match=r"are not in its files, the first is '.*'; they would be random numbers"):
        load_model(changed(tmp_path / "model", change))


def test_a_weight_that_is_tied_to_another_is_not_missing(tmp_path):
    whole = changed(tmp_path / "model", lambda weights: {n: w for n, w in weights.items() if n != "lm_head.weight"})
    assert load_model(whole).cfg.n_layers == 9  # the unembedding is the embedding


def test_what_is_no_parameter_may_be_missing():
    class Model:
        def named_parameters(self):
            return [("a", None)]

    check_complete(Model(), {"missing_keys": {"rotary.inv_freq"}}, "folder")
    with pytest.raises(ModelError, match="folder: 1 weights of Model are not in its files, the first is 'a'"):
        check_complete(Model(), {"missing_keys": {"rotary.inv_freq", "a"}}, "folder")


def test_an_adapter_beside_a_whole_model_is_not_left_out_without_a_word(tmp_path):
    folder = changed(tmp_path / "model", dict)
    (folder / "adapter_config.json").write_text('{"peft_type": "LORA"}')
    assert load_model(folder).cfg.n_layers == 9  # merged, and its settings kept
    (folder / "adapter_model.safetensors").write_bytes(b"")
    with pytest.raises(ModelError, match="holds a model and an adapter beside it: merge the adapter"):
        load_model(folder)
