"""The preflight's cached passes: a cache that forgets, confuses or reorders what it holds is refused, with the layer."""

from pathlib import Path

import pytest

from interp import ModelError
from interp.models import cached_pass
from interp.models.architecture import new_cache
from interp.models.loading import load_model, model_info, preflight


def test_every_architecture_passes(case) -> None:
    preflight(case.model)


@pytest.fixture(params=["HookedTransformer", "TransformerBridge"])
def model(request: pytest.FixtureRequest, llama_folder: Path):
    from transformers import AutoModelForCausalLM

    source = llama_folder
    if request.param == "TransformerBridge":
        source = AutoModelForCausalLM.from_pretrained(llama_folder, attn_implementation="eager")
    model = load_model(source, tokenizer=llama_folder)
    if model_info(model).backend != request.param:
        pytest.skip("TransformerLens 4 has no HookedTransformer")
    return model


def stored(model, monkeypatch: pytest.MonkeyPatch, keep) -> None:
    """Every cache joins old and new as ever, and stores `keep(before, keys)`, `keep(before, values)`."""
    if model_info(model).backend == "HookedTransformer":
        from transformer_lens.cache.key_value_cache_entry import TransformerLensKeyValueCacheEntry as Entry

        append = Entry.append

        def appended(self, keys, values):
            before = self.past_keys, self.past_values
            joined = append(self, keys, values)
            self.past_keys, self.past_values = (keep(old, new, 1) for old, new in zip(before, joined, strict=True))
            return joined

        monkeypatch.setattr(Entry, "append", appended)
        return
    from transformers.cache_utils import DynamicLayer

    update = DynamicLayer.update

    def updated(self, keys, values, *args, **options):
        before = (self.keys, self.values) if self.is_initialized else (keys[:, :, :0], values[:, :, :0])
        joined = update(self, keys, values, *args, **options)
        self.keys, self.values = (keep(old, new, 2) for old, new in zip(before, joined, strict=True))
        return joined

    monkeypatch.setattr(DynamicLayer, "update", updated)


@pytest.mark.parametrize(
    "keep",
    [
        pytest.param(lambda before, joined, axis: before, id="nothing"),
        pytest.param(lambda before, joined, axis: joined.roll(1, axis), id="another token's"),
        pytest.param(lambda before, joined, axis: joined * 1.01, id="not quite"),
    ],
)
def test_a_cache_that_holds_something_else(model, monkeypatch: pytest.MonkeyPatch, keep) -> None:
    stored(model, monkeypatch, keep)
    with pytest.raises(
        ModelError, match=r"pass.*transformers \d.* and TransformerLens \d.*; install versions that are tested"
    ) as raised:
        preflight(model)
    assert "\n" not in str(raised.value)


def test_a_cache_that_is_never_touched(llama_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a bridge of TransformerLens 3.9 and 4.3 does on transformers 5.24 by itself: no error, no cache."""
    from transformers import AutoModelForCausalLM

    model = load_model(
        AutoModelForCausalLM.from_pretrained(llama_folder, attn_implementation="eager"), tokenizer=llama_folder
    )
    attention = type(model.blocks[0].attn)
    monkeypatch.setattr(attention, "_update_kv_cache", lambda self, keys, values, **options: (keys, values))
    with pytest.raises(ModelError, match=r"layer 0: (in )?a pass in two parts .*that are tested"):
        load_model(model)


def test_distances_that_count_padding_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """MPT's ALiBi counts columns, not tokens; were padding let in after cached tokens, its states would be others."""
    from byte_tokenizer import save_byte_tokenizer
    from families import build

    from interp.models.backends import bridge

    save_byte_tokenizer(tmp_path)
    monkeypatch.setattr(bridge, "is_alibi", lambda config: False)
    # TransformerLens 3.9 gives MPT no cache at all, and is found at that.
    with pytest.raises(ModelError, match=r"left-padded tails differs from one pass|has 6 keys, expected 12"):
        load_model(build("mpt"), tokenizer=tmp_path)


def test_rows_in_another_order(model, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = type(new_cache(model, 1))
    select = kind.select
    monkeypatch.setattr(kind, "select", lambda self, rows: select(self, rows.sort().values))
    with pytest.raises(ModelError, match="a repeated and selected cache"):
        preflight(model)


def test_a_copy_that_grows_with_its_original(model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(new_cache(model, 1)), "copy", lambda self: self)
    with pytest.raises(ModelError, match="that are tested"):
        preflight(model)


def test_the_tested_versions_are_those_of_the_project() -> None:
    """What the message names is what the bounds allow, and what is locked lies inside."""
    root = Path(__file__).parents[2]
    project = (root / "pyproject.toml").read_text(encoding="utf-8")
    assert '"transformers>=5.9,<5.25"' in project and '"transformer-lens>=3.9,<5"' in project
    assert "transformers 5.9 to 5.24" in cached_pass.TESTED
    locked = (root / "constraints.txt").read_text(encoding="utf-8").splitlines()
    transformers = [line.split()[0].split("==")[1] for line in locked if line.startswith("transformers==")]
    assert transformers and all((5, 9) <= tuple(map(int, v.split(".")))[:2] <= (5, 24) for v in transformers)
    assert f"TransformerLens {_locked('transformer-lens', locked)}" in cached_pass.TESTED


def _locked(name: str, lines: list[str]) -> str:
    return next(line.split()[0].split("==")[1] for line in lines if line.startswith(f"{name}=="))
