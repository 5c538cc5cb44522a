"""Outcomes read off the last residual stream against sums of log-probabilities by hand."""

import numpy as np
import pytest
import torch
from patched_by_hand import answers_by_ids, log_probability

from interp.errors import DataError
from interp.experiments.intervening import outcome
from interp.experiments.intervening.edited_pass import CleanTexts
from interp.experiments.intervening.outcome import Readings, answer_outcome, judgement, own_outcome
from interp.models.loading import forward, model_info

EXACT = [[40], [41, 42, 43], [44, 45], [44, 46], [44], [47]]


@pytest.fixture(scope="module")
def answers():
    prompts = [[5, 6, 7, 8 + i, 9][: 3 + i % 3] for i in range(6)]
    return answers_by_ids(prompts, EXACT, [True, False] * 3, [[20, 30 + i, 22] for i in range(6)])


def logits_of(model, ids):
    """Of every token, one prefix at a time: `forward` gives those behind the last."""
    rows = [torch.tensor([ids[: k + 1]]) for k in range(len(ids))]
    return torch.cat([forward(model, row, torch.ones_like(row), logits=True) for row in rows])


def by_hand(model, answers, sample, right, wrong):
    ids = [*answers.prompt_ids[sample], *answers.completion_ids[sample]]
    before = ids[: answers.exact_answer_tokens[sample][0]]
    one, other = (log_probability(logits_of(model, [*before, *EXACT[k][:-1]]), EXACT[k]) for k in (right, wrong))
    return one - other


def values(model, asked):
    readings = Readings(model, asked)
    clean = CleanTexts(model, readings.texts)
    with torch.inference_mode():
        found = readings.values(np.arange(len(readings.texts)), clean.final)
    out = np.zeros(len(asked))
    np.add.at(out, readings.sample, found.numpy())
    return out


def test_the_value_is_the_sum_of_log_probabilities(case, answers):
    triples = [(0, 0, 1), (1, 0, 1), (2, 2, 3), (3, 2, 3), (0, 4, 5), (5, 2, 1)]
    found = values(case.model, [answer_outcome(answers, *one, 0) for one in triples])
    np.testing.assert_allclose(found, [by_hand(case.model, answers, *one) for one in triples], rtol=2e-5, atol=2e-5)


def test_it_is_the_same_whatever_is_read_beside_it(llama, answers, monkeypatch):
    triples = [(0, 0, 1), (1, 0, 1), (2, 2, 3), (0, 4, 5)]
    asked = [answer_outcome(answers, *one, 0) for one in triples]
    together = values(llama, asked)
    np.testing.assert_allclose(together, [values(llama, [one])[0] for one in asked], atol=1e-5)
    monkeypatch.setattr(outcome, "LOGITS", 1)  # a row of logits at a time
    np.testing.assert_allclose(together, values(llama, asked), atol=1e-5)


def test_answers_that_share_all_but_their_last_token_are_read_off_one_text(answers):
    both = {(0, 0, 5): 1, (2, 2, 3): 1, (0, 0, 1): 2, (2, 2, 4): 2}
    for triple, n in both.items():
        asked = answer_outcome(answers, *triple, 0)
        assert len(asked) == n and sum(len(one.targets) for one in asked) == 2
    (one,) = answer_outcome(answers, 2, 2, 3, 0)
    ids = [*answers.prompt_ids[2], *answers.completion_ids[2]]
    assert one.text.ids == (*ids[: answers.exact_answer_tokens[2][0]], 44) and one.text.points == 2
    assert one.targets == ((1.0, (44, 45)), (-1.0, (44, 46)))


def test_nothing_of_the_given_answer_stands_in_the_text(answers):
    """The recipient's own exact answer, and what it wrote behind, is not read."""
    for one in answer_outcome(answers, 1, 0, 4, 0):
        assert not {41, 42, 43, 22} & set(one.text.ids)


def test_an_own_function_is_given_the_logits_behind_the_text(llama, answers):
    seen = []

    def function(logits):
        seen.append(logits)
        return logits[:, 3]

    asked = [own_outcome(answers, i, 0, function, [60, 61]) for i in (0, 1)]
    found = values(llama, asked)
    assert sum(map(len, seen)) == 2 and seen[0].shape[-1] == model_info(llama).d_vocab
    for i in (0, 1):
        ids = torch.tensor([[*answers.prompt_ids[i], *answers.completion_ids[i], 60, 61]])
        assert found[i] == pytest.approx(float(forward(llama, ids, torch.ones_like(ids), logits=True)[0, 3]), abs=1e-5)


@pytest.mark.parametrize("wrong", [lambda x: x, lambda x: x[:, 0].sum(), lambda x: x[:, 0].numpy(), lambda x: None])
def test_what_an_own_function_must_return(llama, answers, wrong):
    with pytest.raises(DataError, match="outcome: expected a tensor with a number for each of 1 rows of logits, got"):
        values(llama, [own_outcome(answers, 0, 0, wrong)])


def tokenizer(words, unk=None):
    """Takes the longest of the words everywhere; what is in none is `unk`, or letters."""

    class Words:
        unk_token_id = unk

        def __call__(self, text, add_special_tokens):
            assert not add_special_tokens
            ids, at = [], 0
            while at < len(text):
                word = next((w for w in sorted(words, key=len, reverse=True) if text.startswith(w, at)), None)
                ids.append(words[word] if word else unk if unk is not None else 1000 + ord(text[at]))
                at += len(word) if word else 1
            return {"input_ids": ids}

    return Words()


def test_yes_and_no_behind_a_question():
    logits = torch.arange(2000.0)[None] ** 2
    function, ids = judgement(tokenizer({"Sure?": 7, " Yes": 8, " No": 9}), "Sure?")
    assert ids == [7] and float(function(logits)) == 64 - 81
    function, ids = judgement(tokenizer({"Sure?": 7, " ": 6, "Yes": 8, "No": 9}), "Sure?")  # the space alone
    assert ids == [7, 6] and float(function(logits)) == 64 - 81
    function, ids = judgement(tokenizer({"Sure?": 7}), "Sure?")  # letters
    assert ids == [7, 1000 + ord(" ")] and float(function(logits)) == (1000 + ord("Y")) ** 2 - (1000 + ord("N")) ** 2


@pytest.mark.parametrize(
    "words", [{"Sure?": 7, " ": 6}, {"Sure?": 7, " ": 6, "Yes": 8}, {"Sure": 7, " ": 5, "Yes": 8, "No": 9}, {"Sure?": 7, "Sure? Yes": 8, "Sure? No": 9}]
)  # fmt: skip
def test_no_token_for_yes_or_no_is_a_sentence(words):
    with pytest.raises(DataError, match="no tokens of their own for Yes and No after 'Sure\\?'"):
        judgement(tokenizer(words, unk=0), "Sure?")


def test_gradients_go_through_the_values(case, answers):
    """A step along the gradient changes the value by its square, for a small step."""
    readings = Readings(case.model, [answer_outcome(answers, 1, 0, 1, 0)])
    clean, whole = CleanTexts(case.model, readings.texts), np.arange(len(readings.texts))
    final = clean.final.clone()
    with torch.inference_mode(False), torch.enable_grad():
        leaf = final.clone().requires_grad_()
        total = readings.values(whole, leaf).sum()
        (gradient,) = torch.autograd.grad(total, leaf)
    with torch.inference_mode():
        step = 1e-3 / gradient.norm()
        up, down = (readings.values(whole, final + sign * step * gradient).sum() for sign in (1, -1))
    assert float(up - down) / float(2 * step) == pytest.approx(float(gradient.square().sum()), rel=0.02)
