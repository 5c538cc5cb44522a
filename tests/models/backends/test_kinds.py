"""Which backend a model is of, and that another library's takes the place of TransformerLens everywhere."""

import subprocess
import sys

import pytest
import torch
from fake_backend import FakeBackend, FakeModel

import interp
from interp.errors import ModelError
from interp.generating.generation import generate
from interp.models.architecture import model_info, pads_between
from interp.models.backends import kinds
from interp.models.backends.kinds import backend_of, is_hooked, is_kind, register
from interp.models.hooked import forward, hook_name


@pytest.fixture
def fake(monkeypatch) -> FakeModel:
    monkeypatch.setattr(kinds, "_KINDS", list(kinds._KINDS))
    register(FakeBackend)
    register(FakeBackend)
    return FakeModel()


def test_each_model_has_the_backend_of_its_class(case):
    model = case.model
    backend = backend_of(model)
    assert backend.name == type(model).__name__ == model_info(model).backend
    assert is_hooked(model) and is_kind(backend.name) and not is_kind("FakeModel")


def test_anything_else_is_refused():
    assert not is_hooked("gpt2") and not is_hooked(torch.nn.Linear(2, 2))
    with pytest.raises(ModelError, match=r"expected a HookedTransformer or TransformerBridge, got Linear: pass it to"):
        backend_of(torch.nn.Linear(2, 2))


def test_to_ask_imports_no_library():
    line = "import sys; from interp.models.backends.kinds import is_hooked; is_hooked(3); "
    line += "sys.exit('transformer_lens' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", line]).returncode == 0


def test_a_fake_of_another_library_is_described_and_hooked(fake):
    info = model_info(fake)
    assert (info.backend, info.n_layers, info.d_model, info.windows) == ("FakeModel", 2, 4, (None, None))
    assert pads_between(fake) and kinds._KINDS.count(FakeBackend) == 1
    tokens = torch.tensor([[1, 2, 3]])
    seen = {}
    logits = forward(
        fake,
        tokens,
        torch.ones_like(tokens),
        hooks={hook_name("resid_post", 1): seen.setdefault("end", []).append},
        logits=True,
    )
    assert torch.equal(seen["end"][0], fake.stream(tokens)) and torch.allclose(logits, fake.logits(tokens)[:, -1])
    with pytest.raises(ModelError, match="FakeModel has no hook point 'blocks.0.hook_mlp_out'"):
        forward(fake, tokens, torch.ones_like(tokens), hooks={hook_name("mlp_out", 0): seen.clear})


def test_a_fake_answers(fake):
    (first, second) = generate(fake, [[1, 2], [5]], max_new_tokens=3)
    for prompt, found in (([1, 2], first), ([5], second)):
        ids = list(prompt)
        for _ in range(3):
            ids.append(int(fake.logits(torch.tensor([ids]))[0, -1].argmax()))
        assert found.ids == ids[len(prompt) :]


def test_a_loaded_fake_passes_through(fake):
    assert interp.load_model(fake, check=False) is fake
