"""A score for every token: the same as of a Capture at the probe's role, held out where folds say so, and as text."""

import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hooked_cases import answers_of

import interp
from interp.applying.fitted_probe import FittedProbe
from interp.applying.platt import Platt
from interp.applying.token_pass import TOKENS
from interp.applying.token_scores import TokenScores
from interp.capturing import layer_pass
from interp.errors import DataError
from interp.models.loading import model_info
from interp.support.fingerprint import weights_hash

PROMPTS = [[3, 40, 41, 42, 43, 44], [3, 50, 51, 52, 53, 54, 55, 56, 57], [3, 60, 61, 62, 63, 64], [3] + [70] * 30]
COMPLETIONS = [[80, 81, 82], [83, 84, 85, 86, 87, 88, 89], [90, 91, 92, 93], [94, 95]]


def made_probe(
    model, *, layer: int = 1, site: str = "resid_post", role: str = "exact_answer_first", sha256: str = ""
) -> FittedProbe:
    """A random direction, and others for two folds."""
    generator = torch.Generator().manual_seed(1)
    info = model_info(model)
    width = info.d_model
    direction = torch.randn(3, width, generator=generator, dtype=torch.float64)
    return FittedProbe(
        direction=direction[0],
        bias=0.3,
        mean=torch.zeros(width),
        scale=torch.ones(width),
        fold_direction=direction[1:],
        fold_bias=torch.tensor([0.1, -0.4], dtype=torch.float64),
        layer=layer,
        role=role,
        site=site,
        probe="logistic",
        protocol={},
        auc=0.7,
        low=0.6,
        high=0.8,
        platt=Platt(2.0, -0.5),
        model=sha256,
    )


def of_role(scores: TokenScores, positions: interp.Positions, role: str) -> np.ndarray:
    column = positions.index[:, positions.roles.index(role)].tolist()
    return np.array([scores.score[(scores.sample == i) & (scores.token == at)].item() for i, at in enumerate(column)])


@pytest.mark.parametrize("site", ["resid_post", "attn_out"])
def test_at_every_role_it_is_the_score_of_a_capture(case: SimpleNamespace, site: str) -> None:
    """Samples of different lengths in one batch, so that there is padding; in every class that carries hooks."""
    answers, positions = answers_of(PROMPTS, COMPLETIONS)
    cap = interp.capture(case.model, answers, positions, sites=site)
    for role in ("first_answer", "exact_answer_first", "-1"):
        probe = made_probe(case.model, site=site, role=role)
        found = probe.score_tokens(case.model, answers)
        expected = probe.score(cap).numpy()
        np.testing.assert_allclose(of_role(found, positions, role), expected, atol=5e-5 * np.abs(expected).max() + 1e-5)


def test_shared_prefix_and_prompts_run_once_and_change_nothing(llama, monkeypatch) -> None:
    prompts = [[3, *range(40, 80)]] * 3 + [[3, *range(40, 70), 99, 98, 97]]
    answers, _ = answers_of(prompts, COMPLETIONS)
    probe = made_probe(llama)
    together = probe.score_tokens(llama, answers)
    one_by_one = [probe.score_tokens(llama, answers[[i]]).score for i in range(4)]
    np.testing.assert_allclose(together.score, np.concatenate(one_by_one), atol=1e-4)
    plan = []
    filled = layer_pass.PromptCache

    class Seen(filled):
        def __call__(self, parts):
            plan.append((len(self.prefix), [len(own) for own in parts.own]))
            return super().__call__(parts)

    monkeypatch.setattr(layer_pass, "PromptCache", Seen)
    probe.score_tokens(llama, answers)
    assert plan[0][0] == 31, "the tokens that all share"


def test_the_prompts_tokens_too_and_texts(llama) -> None:
    answers, _ = answers_of(PROMPTS, COMPLETIONS)
    probe = made_probe(llama)
    everything, own = probe.score_tokens(llama, answers, tokens="all"), probe.score_tokens(llama, answers)
    assert len(everything) == sum(map(len, PROMPTS)) + sum(map(len, COMPLETIONS))
    answered = np.array([at >= len(PROMPTS[i]) for i, at in zip(everything.sample, everything.token, strict=True)])
    np.testing.assert_allclose(everything.score[answered], own.score, atol=1e-4)
    assert everything.token_id.tolist() == [t for p, c in zip(PROMPTS, COMPLETIONS, strict=True) for t in p + c]
    text = probe.score_tokens(llama, "Paris is a town.")
    assert "".join(t for t, s in zip(text.text, text.special, strict=True) if not s) == "Paris is a town."
    assert text.id == ("0",) and text.token.tolist() == list(range(len(text)))


def test_each_sample_is_scored_by_the_probe_that_did_not_see_its_fold(llama) -> None:
    answers, positions = answers_of(PROMPTS, COMPLETIONS)
    cap = interp.capture(llama, answers, positions)
    probe, fold = made_probe(llama), [1, -1, 0, 1]
    x = cap.resid[:, 1, positions.roles.index(probe.role)].double().numpy()
    directions = {-1: probe.direction, 0: probe.fold_direction[0], 1: probe.fold_direction[1]}
    biases = {-1: 0.3, 0: 0.1, 1: -0.4}
    expected = [x[i] @ directions[f].numpy() + biases[f] for i, f in enumerate(fold)]
    found = probe.score_tokens(llama, answers, fold=fold)
    np.testing.assert_allclose(of_role(found, positions, probe.role), expected, atol=1e-4)
    np.testing.assert_allclose(found.probability, 1 / (1 + np.exp(-(2 * found.score - 0.5))))


def test_nothing_behind_the_probes_layer_is_computed(llama) -> None:
    from interp.models.backends.kinds import backend_of

    answers, _ = answers_of([[3, *range(40, 80)]] * 4, COMPLETIONS)
    seen: list[int] = []
    probe = made_probe(llama, layer=1)
    probe.score_tokens(llama, answers)  # checks the site once, in every layer
    late = {f"blocks.{layer}.hook_resid_pre": lambda x, layer=layer: seen.append(layer) for layer in (0, 1, 2)}
    with backend_of(llama).attached(late):
        probe.score_tokens(llama, answers)
    assert set(seen) == {0, 1}


def test_another_model_and_other_folds_are_refused(llama) -> None:
    answers, _ = answers_of(PROMPTS, COMPLETIONS)
    right = made_probe(llama, sha256=weights_hash(llama))
    assert len(right.score_tokens(llama, answers)) == sum(map(len, COMPLETIONS))
    with pytest.raises(DataError, match="fitted on a model with weights abc"):
        made_probe(llama, sha256="abc").score_tokens(llama, answers)
    with pytest.raises(DataError, match="it reads layer 9, and the model has 3"):
        made_probe(llama, layer=9).score_tokens(llama, answers)
    for fold in ([0, 1], [0, 1, 2, 0]):
        with pytest.raises(DataError, match=r"fold: expected a number for each of 4 samples, below 2"):
            right.score_tokens(llama, answers, fold=fold)
    assert TOKENS == ("completion", "all")
    with pytest.raises(DataError, match="tokens: "):
        right.score_tokens(llama, answers, tokens="prompt")


def test_what_has_no_scores_says_why(llama) -> None:
    answers, _ = answers_of([*PROMPTS[:2], [3] * 400, PROMPTS[3]], [COMPLETIONS[0], [], COMPLETIONS[2], COMPLETIONS[3]])
    found = made_probe(llama).score_tokens(llama, answers)
    assert found.left_out == {"1": "no token", "2": "longer than the model's context"}
    assert sorted(set(found.table()["sample"])) == ["0", "3"] and "2 without scores" in repr(found)
    assert len(made_probe(llama).score_tokens(llama, answers[[1, 2]])) == 0


def test_a_notebook_shows_the_text_escaped_and_without_a_script(llama) -> None:
    found = made_probe(llama).score_tokens(llama, ["<script>alert(1)</script> & so"])
    page = found._repr_html_()
    assert "<script" not in page and "&lt;" in page and "&amp;" in page
    shown = re.sub(r"<[^>]+>", "", page)
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; so" in shown and "extrapolated at every other token" in shown
