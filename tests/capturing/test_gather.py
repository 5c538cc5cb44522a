"""The vectors at given positions against a loop, with what must not leak into them."""

import torch

from interp.capturing.gather import gather


def test_gather_equals_a_loop_and_an_inf_elsewhere_stays_there() -> None:
    hidden = torch.randn(2, 5, 3)
    hidden[0, 4] = torch.inf
    index, valid = torch.tensor([[0, 3, -1], [2, 2, 4]]), torch.tensor([[True, True, False], [True, True, True]])
    picked = gather(hidden, index, valid)
    for i in range(2):
        for j in range(3):
            want = hidden[i, index[i, j]] if valid[i, j] else torch.full((3,), torch.nan)
            torch.testing.assert_close(picked[i, j], want, equal_nan=True)


def test_gather_keeps_the_axes_after_the_token() -> None:
    hidden = torch.randn(2, 5, 4, 3)  # heads side by side, as in z
    index = torch.tensor([[1], [3]])
    picked = gather(hidden, index, torch.ones(2, 1, dtype=torch.bool))
    torch.testing.assert_close(picked[:, 0], torch.stack([hidden[0, 1], hidden[1, 3]]))
