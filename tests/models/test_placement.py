"""Where weights go: every name of a device, and a model that accelerate has laid out."""

import pytest
import torch

import interp
from interp.errors import ModelError
from interp.models.loading import model_info
from interp.models.placement import is_spread, placement


@pytest.mark.parametrize(("gpus", "expected"), [(0, "cpu"), (2, "cuda")])
def test_auto_is_a_gpu_if_there_is_one(monkeypatch, gpus: int, expected: str) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert placement("auto") == {"device_map": {"": torch.device(expected)}}
    if gpus:
        assert placement("cuda:1") == {"device_map": {"": torch.device("cuda:1")}}
        with pytest.raises(ModelError, match="has 2 GPUs"):
            placement("cuda:2")


def test_a_device_that_is_not_there_is_a_sentence(monkeypatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    for device, says in (("cuda", "has 0 GPUs"), ("mps", "not available"), ("gpu7", "none of auto")):
        with pytest.raises(ModelError, match=says):
            placement(device)


def test_a_model_spread_by_accelerate_gives_the_same(llama_folder) -> None:
    plain = interp.load_model(llama_folder)
    spread = interp.load_model(llama_folder, device="spread")
    assert model_info(spread).device.type == model_info(plain).device.type or torch.cuda.is_available()
    assert is_spread(type("Model", (), {"hf_device_map": {"a": 0, "b": 1}})())
    assert not is_spread(plain)
