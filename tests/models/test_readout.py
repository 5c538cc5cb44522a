"""The readout is the way from the last stream to the logits: against Hugging Face's logits, in every class."""

import pytest
import torch
from fake_backend import FakeBackend, FakeModel
from families import build, texts
from hooked_cases import same

import interp
from interp.models.backends.backend import LastModules
from interp.models.backends.kinds import backend_of, register
from interp.models.hooked import forward, hook_name
from interp.models.readout import Readout

SCALED = {"gemma2": (30.0, 1.0), "granite": (None, 1 / 3), "nanochat": (15.0, 1.0), "olmo": (None, 1.0)}
"""Families with a softcap, a scale, both or a norm without weights: (softcap, factor)."""


def test_rows_scale_and_constants_give_hugging_faces_logits(case):
    stream, logits = case.resid_post[:, -1].flatten(0, 1), case.logits.flatten(0, 1).double()
    readout = Readout.of(case.model, stream[:8])
    tokens = torch.arange(logits.shape[1])
    same(readout.logits(stream, tokens), logits, 1e-5)
    half, rest = 0.3 * stream.double() + 1, 0.7 * stream.double() - 1  # linear: any two parts add up
    shares = [(part @ readout.rows(tokens).T) / readout.scale(stream)[:, None] for part in (half, rest)]
    same(sum(shares) + readout.constant(tokens), logits, 1e-5)
    same(stream.double() @ readout.mean_row / readout.scale(stream) + readout.mean_constant, logits.mean(-1), 1e-4)
    assert readout.centred == (case.name in ("gpt2", "gpt_neox"))


@pytest.fixture(scope="module", params=SCALED)
def family(request, tiny_folder):
    return request.param, interp.load_model(build(request.param), tokenizer=tiny_folder / "llama")


def last_stream(model):
    seen, tokens = {}, torch.tensor([texts()[0]])
    name = hook_name("resid_post", backend_of(model).cfg.n_layers - 1)
    forward(model, tokens, torch.ones_like(tokens), hooks={name: lambda h: seen.__setitem__(name, h[0].clone())})
    return seen[name]


@pytest.mark.filterwarnings("ignore")
def test_softcap_and_scale_are_found(family):
    name, model = family
    stream = last_stream(model)
    readout = Readout.of(model, stream)
    softcap, factor = SCALED[name]
    assert readout.modules.softcap == softcap and readout.factor == pytest.approx(factor, rel=1e-5)
    own = backend_of(model).unembed(stream).double()
    same(readout.capped(readout.logits(stream, torch.arange(own.shape[1]))), own, 1e-5)


@pytest.mark.filterwarnings("ignore")
def test_a_head_that_is_no_norm_and_unembedding_is_refused(tiny_folder):
    model = interp.load_model(build("modernbert"), tokenizer=tiny_folder / "llama")
    with pytest.raises(interp.ModelError, match="no part of the stream has a logit of its own"):
        Readout.of(model, last_stream(model))


def test_a_backend_that_does_not_know_its_last_modules_is_refused():
    register(FakeBackend)
    assert FakeBackend(FakeModel()).last_modules is None
    with pytest.raises(interp.ModelError, match="cannot be told apart"):
        Readout.of(FakeModel(), torch.zeros(1, 4))


def test_quantised_or_oddly_shaped_unembeddings_are_not_read(llama, monkeypatch):
    assert isinstance(backend_of(llama).last_modules, LastModules)
    monkeypatch.setattr(type(backend_of(llama).cfg), "d_vocab", 7, raising=False)
    monkeypatch.setattr(llama.cfg, "d_vocab", 7)
    assert backend_of(llama).last_modules is None
