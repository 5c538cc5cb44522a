"""What cannot be read of a model's attention is NaN, and said; nothing else is."""

from pathlib import Path

import pytest
import torch
from byte_tokenizer import save_byte_tokenizer
from families import LAYERS, N_PROMPT, build, texts
from hooked_cases import answers_of

import interp
from interp.capturing.attention import METRICS
from interp.models.loading import forward, has_pattern, is_recurrent, load_model, model_info, new_cache
from interp.models.observable import known_values, output_weight, undefined_metrics


def loaded(name: str, folder: Path, change=lambda model: model):
    save_byte_tokenizer(folder)
    return load_model(change(build(name)), tokenizer=folder)


def captured(model):
    pairs = list(zip(texts(), N_PROMPT, strict=True))
    answers, positions = answers_of([text[:n] for text, n in pairs], [text[n:] for text, n in pairs])
    return interp.capture(model, answers, positions)


def quantised(model: torch.nn.Module) -> torch.nn.Module:
    """Every projection of the blocks in 8-bit integers with one scale, as quantising packages hold them."""

    class Quantised(torch.nn.Linear):
        def forward(self, given: torch.Tensor) -> torch.Tensor:
            return torch.nn.functional.linear(given, self.weight * self.scale)

    for parent in list(model.model.layers.modules()):
        for name, linear in list(parent.named_children()):
            if isinstance(linear, torch.nn.Linear):
                scale = linear.weight.detach().abs().max() / 127
                small = Quantised(linear.in_features, linear.out_features, bias=False)
                small.register_buffer("scale", scale)
                small.weight = torch.nn.Parameter((linear.weight / scale).round().char(), requires_grad=False)
                setattr(parent, name, small)
    return model


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("jamba", None, {"every metric": "no attention pattern in layer 0"}),
        ("mamba", None, {"every metric": "no attention pattern in any layer"}),
        ("deepseek_v3", None, {"value_norm": "values or W_O cannot be read in any layer"}),
        ("gemma4", None, {"value_norm": "values or W_O cannot be read in any layer"}),
        ("qwen3", quantised, {"value_norm": "values or W_O cannot be read in any layer"}),
        ("qwen3", None, {}),
    ],
)
def test_what_is_not_there_is_nan_with_a_reason(tmp_path: Path, name: str, change, said: dict[str, str]) -> None:
    model = loaded(name, tmp_path, change or (lambda model: model))
    assert undefined_metrics(model) == said
    cap = captured(model)
    assert cap.settings.get("undefined_attention", {}) == said
    assert cap.resid.isfinite().any(-1).equal(cap.valid[:, None].expand(-1, LAYERS, -1))
    assert set(cap.attention) == set(METRICS)
    for metric in ("entropy", "to_self", "received", "value_norm"):  # others lie outside Gemma's window
        there = [has_pattern(model)[layer] and (metric != "value_norm" or "value_norm" not in said) for layer in (0, 1)]
        assert [bool(cap.attention[metric][:, layer].isfinite().any()) for layer in (0, 1)] == there, metric
    assert known_values(model) == tuple(
        has_pattern(model)[layer] and "value_norm" not in said for layer in range(LAYERS)
    )


def test_a_recurrent_model_goes_on_from_its_tokens(tmp_path: Path) -> None:
    """In pieces, repeated and selected, as one pass over the whole."""
    model = loaded("jamba", tmp_path)
    assert is_recurrent(model)
    tokens = torch.tensor([texts()[0][:20]])
    whole = forward(model, tokens, torch.ones_like(tokens), logits=True)
    cache = new_cache(model, 1)
    forward(model, tokens[:, :7], torch.ones(1, 7, dtype=torch.long), cache=cache)
    twice = cache.repeat(2)
    twice.select(torch.tensor([1, 0, 1]))
    rest = tokens[:, 7:].expand(3, -1)
    ends = forward(model, rest, torch.ones(3, 20, dtype=torch.long), cache=twice, logits=True)
    torch.testing.assert_close(ends, whole.expand(3, -1), rtol=1e-4, atol=1e-5)
    with pytest.raises(interp.ModelError, match="run its samples whole"):
        cache.values(0)


def test_a_weight_of_another_shape_is_none(llama) -> None:
    assert output_weight(llama, 1).shape == (4, 8, 32)
    assert output_weight(llama, 99) is None


def test_a_run_on_a_model_without_attention_has_its_probe_grid(tmp_path: Path) -> None:
    model = loaded("mamba2", tmp_path)
    rows = [
        interp.QARow(
            str(i), f"where is city {i}?", ("France",), completion=f" it is in {'France' if i % 2 else 'Spain'}."
        )
        for i in range(40)
    ]
    options = {"population": "all", "permutations": 5, "roles": ("last_q", "exact_answer_last", "-1")}
    run = interp.run(model=model, data=rows, out=tmp_path / "run", **options)
    assert run.settings["undefined_attention"] == {"every metric": "no attention pattern in any layer"}
    assert model_info(model).n_layers == LAYERS
    assert run.probe["auc"].sel(token="-1").notnull().any()
    assert run.attention["auc"].isnull().all()
