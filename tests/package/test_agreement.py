"""One model, one grid: HookedTransformer and TransformerBridge, TransformerLens 3.9 and 4.x give the same numbers.

The reference was written with HookedTransformer on TransformerLens 3.9.0. Write it anew after a change of definitions:

    python tests/package/test_agreement.py
"""

import json
from pathlib import Path

import numpy as np
import pytest

import interp
from interp import demo

REFERENCE = Path(__file__).parents[1] / "fixtures" / "agreement.json"
QUESTIONS = 200
TOLERANCE = 1e-3
"""Of an AUC. The implementations differ in the last bits of float32, which now and then swaps a pair of scores."""


def hooked_transformer():
    try:
        from transformer_lens import HookedTransformer  # noqa: F401
    except ImportError:
        pytest.skip("TransformerLens 4 has no HookedTransformer")
    model = interp.load_model(demo.model_path())
    assert type(model).__name__ == "HookedTransformer"
    return model


def bridge():
    from transformer_lens.model_bridge import TransformerBridge

    return interp.load_model(TransformerBridge.boot_transformers(str(demo.model_path())))


def grids(model) -> dict:
    """Completions and AUCs of both grids, `[layer][token]` as lists; undefined cells are None."""
    rows = interp.load_rows(demo.questions_path(), limit=QUESTIONS)
    answers = interp.generate_answers(
        model, rows, prompt_template=demo.PROMPT_TEMPLATE, max_new_tokens=demo.MAX_NEW_TOKENS
    )
    cap = interp.capture(model, answers, interp.resolve_positions(answers))
    drawn = {
        "probe": interp.probe_grid(cap, answers.correct, answers.group, n_jobs=1),
        "attention": interp.attention_grid(cap, answers.correct, answers.group, n_jobs=1),
    }
    aucs = {
        name: [[None if np.isnan(auc) else auc for auc in layer] for layer in grid["auc"].values.tolist()]
        for name, grid in drawn.items()
    }
    return {"completions": answers.text, **aucs}


@pytest.mark.parametrize("load", [hooked_transformer, bridge])
def test_grids_are_the_same_on_every_implementation(load):
    reference, found = json.loads(REFERENCE.read_text(encoding="utf-8")), grids(load())
    assert found["completions"] == reference["completions"]
    for name in ("probe", "attention"):
        expected, came = (np.array(grid[name], dtype=float) for grid in (reference, found))
        assert np.nanmax(expected) > 0.8  # there is something to agree about
        np.testing.assert_allclose(came, expected, rtol=0, atol=TOLERANCE)


if __name__ == "__main__":
    REFERENCE.write_text(json.dumps(grids(hooked_transformer()), indent=0) + "\n", encoding="utf-8")
