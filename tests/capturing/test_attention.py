"""Attention metrics against their definitions written as plain loops."""

import math

import pytest
import torch

from interp.capturing.attention import METRICS, attention_metrics, output_gram, reduce_pattern, value_norms
from interp.capturing.layout import Layout, PatternMasks
from interp.capturing.positions import Positions
from interp.errors import DataError

N_PROMPT, N = (4, 3, 5), (9, 7, 6)
EXACT = ((5, 6), (-1, -1), (5, 5))
QUESTION = ((1, 2), (0, 1), (-1, -1))
INDEX = ((3, 4, 5, 8, -1), (2, 3, -1, 6, 0), (4, 5, 5, -1, 1))


def positions() -> Positions:
    index = torch.tensor(INDEX)
    return Positions(
        index=index,
        valid=index >= 0,
        roles=tuple("abcde"),
        n_prompt=torch.tensor(N_PROMPT),
        n=torch.tensor(N),
        exact_answer=torch.tensor(EXACT),
        question=torch.tensor(QUESTION),
    )


def random_patterns(window: int | None, heads: int = 4) -> list[torch.Tensor]:
    """One causal pattern [head, query, key] per sample, unpadded."""
    generator = torch.Generator().manual_seed(3)
    patterns = []
    for n in N:
        scores = torch.randn(heads, n, n, generator=generator)
        q, k = torch.arange(n)[:, None], torch.arange(n)[None, :]
        visible = (k <= q) if window is None else (k <= q) & (k > q - window)
        patterns.append(scores.masked_fill(~visible, -torch.inf).softmax(-1))
    return patterns


def pad(patterns: list[torch.Tensor], side: str, width: int = 11) -> torch.Tensor:
    """Padded to one side with NaN, so that any use of padding shows."""
    batch = torch.full((len(patterns), patterns[0].shape[0], width, width), torch.nan)
    for i, pattern in enumerate(patterns):
        n = pattern.shape[1]
        at = slice(0, n) if side == "right" else slice(width - n, width)
        batch[i, :, at, :] = 0
        batch[i, :, at, at] = pattern
    return batch


def oracle(pattern: torch.Tensor, sample: int, p: int, window: int | None, norms: torch.Tensor) -> dict[str, float]:
    """The definitions for one head and one position, in the words of docs/definitions.md."""
    n, a = N[sample], pattern.double()

    def visible(q: int) -> list[int]:
        return [k for k in range(q + 1) if window is None or k > q - window]

    def mass(keys: list[int]) -> float:
        keys = [k for k in keys if k in visible(p)]
        return sum(float(a[p, k]) for k in keys) if keys else math.nan

    later = [q for q in range(p + 1, n) if p in visible(q)]
    out = {}
    received = [float(a[q, p]) * len(visible(q)) for q in later]
    out["received"] = sum(received) / len(received) if received else math.nan
    terms = []
    for q in later:
        others = [k for k in visible(q) if k != 0]
        terms.append(float(a[q, p]) / sum(float(a[q, k]) for k in others) * len(others) if p != 0 else math.nan)
    out["received_no_sink"] = sum(terms) / len(terms) if terms else math.nan
    row = [float(a[p, k]) for k in visible(p)]
    entropy = -sum(x / sum(row) * math.log(x / sum(row)) for x in row if x > 0)
    out["entropy"] = entropy / math.log(len(row)) if len(row) > 1 else math.nan
    span = lambda pair: list(range(pair[0], pair[1] + 1)) if pair[0] >= 0 else []  # noqa: E731
    out["to_sink"] = mass([0])
    out["to_question"] = mass(span(QUESTION[sample]))
    out["to_exact_answer"] = mass(span(EXACT[sample]))
    out["to_completion"] = mass(list(range(N_PROMPT[sample], p + 1)))
    out["to_self"] = mass([p])
    prompt = [k for k in visible(p) if k < N_PROMPT[sample]]
    completion = [k for k in visible(p) if k >= N_PROMPT[sample]]
    if prompt and completion:
        m_prompt, m_completion = mass(prompt) / len(prompt), mass(completion) / len(completion)
        out["lookback"] = m_prompt / (m_prompt + m_completion)
    else:
        out["lookback"] = math.nan
    out["value_norm"] = sum(float(a[p, k]) * float(norms[k]) for k in visible(p))
    return out


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("window", [None, 3])
def test_every_metric_equals_its_definition(side: str, window: int | None) -> None:
    patterns = random_patterns(window)
    generator = torch.Generator().manual_seed(4)
    value = torch.randn(3, 11, 2, 5, generator=generator)
    W_O = torch.randn(4, 5, 8, generator=generator)
    metrics = attention_metrics(
        pad(patterns, side), positions(), window=window, padding_side=side, value=value, W_O=W_O
    )
    assert tuple(metrics) == METRICS
    for sample, pattern in enumerate(patterns):
        offset = 0 if side == "right" else 11 - N[sample]
        for head in range(4):
            v = value[sample, offset : offset + N[sample], head // 2]
            norms = (v @ W_O[head]).norm(dim=-1)
            for role, p in enumerate(INDEX[sample]):
                if p < 0:
                    assert all(metric[sample, head, role].isnan() for metric in metrics.values())
                    continue
                for name, expected in oracle(pattern[head], sample, p, window, norms).items():
                    got = float(metrics[name][sample, head, role])
                    assert got == pytest.approx(expected, rel=1e-5, nan_ok=True), (name, sample, head, p)


def test_uniform_attention_is_received_as_one_and_has_entropy_one() -> None:
    n = 6
    uniform = torch.tril(torch.ones(n, n)) / torch.arange(1, n + 1)[:, None]
    one = Positions(
        index=torch.tensor([[2, 4]]),
        valid=torch.ones(1, 2, dtype=torch.bool),
        roles=("a", "b"),
        n_prompt=torch.tensor([3]),
        n=torch.tensor([n]),
        exact_answer=torch.tensor([[4, 4]]),
        question=torch.tensor([[1, 1]]),
    )
    metrics = attention_metrics(uniform[None, None], one)
    for name in ("received", "received_no_sink", "entropy"):
        torch.testing.assert_close(metrics[name], torch.ones(1, 1, 2))
    assert metrics["lookback"][0, 0, 1] == pytest.approx(0.5)


@pytest.mark.parametrize("window", [None, 3])
def test_suffix_rows_with_a_shared_prefix_equal_the_whole_pattern(window: int | None) -> None:
    """Queries from the earliest role on; keys: prefix, padding, suffix."""
    prefix, width = 2, 11
    patterns, where = random_patterns(window), positions()[[0, 2]]
    where = Positions(
        **{**vars(where), "index": where.index[:, :4], "valid": where.valid[:, :4], "roles": tuple("abcd")}
    )
    whole = attention_metrics(pad(patterns, "right")[[0, 2]], where, window=window)
    queries = width - prefix
    suffix = torch.full((2, 4, queries, width), torch.nan)
    for i, sample in enumerate((0, 2)):
        n = N[sample]
        suffix[i, :, queries - (n - prefix) :] = 0
        suffix[i, :, queries - (n - prefix) :, :prefix] = patterns[sample][:, prefix:, :prefix]
        suffix[i, :, queries - (n - prefix) :, width - (n - prefix) :] = patterns[sample][:, prefix:, prefix:]
    start = torch.full_like(where.n, prefix)
    layout = Layout.segmented(torch.stack([0 * start, start, where.n], dim=1), (prefix, queries), queries)
    split = reduce_pattern(suffix, PatternMasks.of(where, layout, window))
    for name, metric in split.items():
        torch.testing.assert_close(metric, whole[name], equal_nan=True)


def test_a_row_that_gives_everything_to_the_sink_is_left_out_without_it() -> None:
    pattern = torch.zeros(1, 1, 4, 4)
    pattern[..., 0] = 1.0
    pattern[0, 0, 3] = torch.tensor([0.5, 0.25, 0.25, 0.0])
    one = Positions(
        index=torch.tensor([[1]]),
        valid=torch.ones(1, 1, dtype=torch.bool),
        roles=("a",),
        n_prompt=torch.tensor([1]),
        n=torch.tensor([4]),
        exact_answer=torch.tensor([[-1, -1]]),
        question=torch.tensor([[-1, -1]]),
    )
    # Query 2 has nothing but the sink; query 3 gives token 1 half of the rest, over three keys.
    assert attention_metrics(pattern, one)["received_no_sink"].item() == pytest.approx(0.5 * 3)


def test_value_norms_equal_the_norm_of_the_written_vectors() -> None:
    generator = torch.Generator().manual_seed(0)
    value, W_O = torch.randn(2, 3, 2, 4, generator=generator), torch.randn(6, 4, 16, generator=generator)
    norms = value_norms(value, output_gram(W_O))
    for head in range(6):
        torch.testing.assert_close(norms[:, head], (value[:, :, head // 3] @ W_O[head]).norm(dim=-1))


def test_a_pattern_of_other_samples_is_an_error() -> None:
    with pytest.raises(DataError, match="2 samples"):
        attention_metrics(torch.ones(2, 1, 9, 9), positions())
    with pytest.raises(DataError, match="up to 9 tokens"):
        attention_metrics(torch.ones(3, 1, 5, 5), positions())
