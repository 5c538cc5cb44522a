"""Logits of the next token after prompts, in batches behind a shared prefix, against Hugging Face's."""

import numpy as np
import pytest

from interp.generating.next_logits import next_logits
from interp.models.loading import pads_between
from interp.models.shared_prefix import SharedPrefix


@pytest.mark.parametrize("batch_tokens", [1, 10_000])
def test_next_logits_are_hugging_faces(case, batch_tokens: int) -> None:
    ends = [(0, 5), (0, 9), (0, 20), (0, 6), (0, 5)]  # of one text: they share a prefix; one comes twice
    prompts = [case.tokens[row, :end].tolist() for row, end in ends]
    assert len(SharedPrefix.of(case.model, prompts)) == (4 if pads_between(case.model) else 0)
    found = next_logits(case.model, prompts, [7, 300, 8], batch_tokens=batch_tokens)
    expected = np.array([case.logits[row, end - 1, [7, 300, 8]].tolist() for row, end in ends])
    np.testing.assert_allclose(found, expected, atol=2e-4 * np.abs(expected).max())


def test_nothing_shared_needs_no_cache(case) -> None:
    prompts = [case.tokens[row, :end].tolist() for row, end in ((0, 4), (1, 20), (2, 1))]
    assert len(SharedPrefix.of(case.model, prompts)) == 0
    found = next_logits(case.model, prompts, [3])
    expected = np.array([[float(case.logits[row, end - 1, 3])] for row, end in ((0, 4), (1, 20), (2, 1))])
    np.testing.assert_allclose(found, expected, atol=2e-4 * float(case.logits.abs().max()))
