"""Edited passes that skip what they cannot change, against plain passes through the same model and Hugging Face's own."""

import pytest
import torch
from hooked_cases import same

from interp.experiments.intervening.edited_pass import CleanTexts, Edits, Text
from interp.models.hooked import forward, hook_name
from interp.models.loading import model_info

POINTS, FIRST = 2, 9


def _texts(tokens: torch.Tensor) -> list[Text]:
    """Of four lengths, so that rows are padded and keys masked."""
    return [Text(tuple(row[: 20 - 3 * i].tolist()), 20 - 3 * i - FIRST, POINTS) for i, row in enumerate(tokens)]


def _edits(texts: list[Text], site: str, layer: int) -> Edits:
    text = torch.arange(len(texts)).repeat_interleave(3)
    token = torch.tensor([one.first + offset for one in texts for offset in (0, 3, FIRST - POINTS)])
    return Edits(site, layer, text, token)


@pytest.mark.parametrize("site", ["resid_post", "attn_out", "mlp_out", "z"])
def test_an_edited_pass_is_a_plain_pass_with_the_edit(case, site):
    texts, generator = _texts(case.tokens), torch.Generator().manual_seed(0)
    clean = CleanTexts(case.model, texts)
    last = model_info(case.model).n_layers - 1
    for layer in (0, last - 1, last):
        edits, new = _edits(texts, site, layer), []

        def change(states, new=new):
            new.append(states + torch.randn(states.shape, generator=generator))
            return new[0]

        found = clean.edited(edits, change)
        for row, (text, token) in enumerate(zip(edits.text.tolist(), edits.token.tolist(), strict=True)):
            same(found[row], _plain(case.model, texts[text], site, layer, token, new[0][row]))


def _plain(model, text: Text, site: str, layer: int, token: int, state: torch.Tensor) -> torch.Tensor:
    seen: list[torch.Tensor] = []

    def edit(hidden):
        hidden = hidden.clone()
        hidden[0, token] = state
        return hidden

    def keep(hidden):
        seen.append(hidden[0, -POINTS:].clone())

    name, end = hook_name(site, layer), hook_name("resid_post", model_info(model).n_layers - 1)
    hooks = {name: lambda x: (edit(x), keep(edit(x)))[0]} if name == end else {name: edit, end: keep}
    ids = torch.tensor([text.ids])
    forward(model, ids, torch.ones_like(ids), hooks=hooks)
    return seen[0]


def test_nothing_below_the_edit_is_computed_again(case):
    texts, begun = _texts(case.tokens), []
    clean = CleanTexts(case.model, texts)
    assert clean._begins  # looked up once, with passes of its own
    points = [hook_name("mlp_out", layer) for layer in range(4)]
    handles = [
        case.model.hook_dict[name].register_forward_hook(lambda *_, name=name: begun.append(name)) for name in points
    ]
    clean.edited(_edits(texts, "resid_post", 1), lambda states: states)
    for handle in handles:
        handle.remove()
    assert begun == points[2:]


def test_an_edit_that_changes_nothing_gives_the_unchanged_pass(case):
    texts = _texts(case.tokens)
    clean = CleanTexts(case.model, texts)
    edits = _edits(texts, "resid_post", 2)
    same(clean.edited(edits, lambda states: states), clean.final[edits.text])


@pytest.mark.parametrize("name", ["gpt2", "llama", "gpt_neox"])
def test_hugging_face_with_a_plain_forward_hook_gives_the_same(name, tiny_folder):
    from transformers import AutoModelForCausalLM

    from interp.models.loading import load_model

    plain = AutoModelForCausalLM.from_pretrained(tiny_folder / name, attn_implementation="eager").eval()
    model = load_model(
        AutoModelForCausalLM.from_pretrained(tiny_folder / name, attn_implementation="eager").eval(),
        tokenizer=tiny_folder / name,
    )
    inner = plain.base_model
    blocks = inner.h if hasattr(inner, "h") else inner.layers
    tokens = torch.randint(2, 300, (4, 20), generator=torch.Generator().manual_seed(1))
    texts = _texts(tokens)
    clean = CleanTexts(model, texts)
    for layer in range(4):
        edits = _edits(texts, "resid_post", layer)
        new = torch.randn(len(edits.text), 32, generator=torch.Generator().manual_seed(layer))
        logits = clean.backend.unembed(clean.edited(edits, lambda states, new=new: new)[:, -1])
        for row, (text, token) in enumerate(zip(edits.text.tolist(), edits.token.tolist(), strict=True)):

            def edit(module, given, output, token=token, row=row, new=new):
                hidden = (output[0] if isinstance(output, tuple) else output).clone()
                hidden[0, token] = new[row]
                return (hidden, *output[1:]) if isinstance(output, tuple) else hidden

            handle = blocks[layer].register_forward_hook(edit)
            with torch.inference_mode():
                expected = plain(torch.tensor([texts[text].ids]), use_cache=False).logits[0, -1]
            handle.remove()
            same(logits[row].log_softmax(-1), expected.log_softmax(-1), 1e-5)


def test_the_models_own_blocks_are_back_afterwards(case):
    before = [vars(block).get("forward") for block in case.model.blocks]
    clean = CleanTexts(case.model, _texts(case.tokens))
    with pytest.raises(ValueError, match="mine"), clean.backend.beginning_at(2):
        raise ValueError("mine")
    assert [vars(block).get("forward") for block in case.model.blocks] == before
    assert [float(x) for x in clean.stream[-1][0, -1, :3]] == [
        float(x) for x in CleanTexts(case.model, _texts(case.tokens)).stream[-1][0, -1, :3]
    ]
