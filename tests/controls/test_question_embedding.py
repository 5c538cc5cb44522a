"""The question's mean embedding: Hugging Face's own rows, a loop as the oracle, and what the control finds in it."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hooked_cases import answers_of
from planted_controls import captured, planted

import interp
from interp.capturing.forward_pass import capture_batches
from interp.capturing.question_embedding import question_embeddings
from interp.controls.baselines import question_estimate
from interp.controls.controls import control_grid
from interp.grids.probes import probe_grid
from interp.models.backends.kinds import backend_of
from interp.models.embedding import token_embeddings
from interp.statistics.samples import Samples


def test_the_vectors_are_hugging_faces_own(case, tiny_folder) -> None:
    """In every architecture and both classes, however the model scales them; and no hook fires."""
    from transformers import AutoModelForCausalLM

    reference = AutoModelForCausalLM.from_pretrained(tiny_folder / case.name).get_input_embeddings()
    seen: list[str] = []
    points = [point for name, point in case.model.hook_dict.items() if "embed" in name]
    for point in points:
        point.add_hook(lambda tensor, hook: seen.append("fired"))
    ids = [3, 300, 3, 17]
    found = token_embeddings(case.model, ids)
    for point in points:
        point.remove_hooks()
    with torch.no_grad():
        torch.testing.assert_close(found, reference(torch.tensor(ids)).float(), atol=0, rtol=1e-6)
    assert found.dtype == torch.float32 and not found.requires_grad and not seen


@pytest.fixture(scope="module")
def asked(llama):
    """Three prompts of unequal length; the second one's question was not located."""
    prompts, completions = [[5, 6, 7, 8, 9, 10], [11, 12, 13], [14, 15, 16, 17, 18, 19, 20]], [[30, 31, 32]] * 3
    answers, _ = answers_of(prompts, completions, samples=(0, 1, 2))
    answers = replace(answers, question_tokens=[(1, 3), None, (6, 6)])
    return answers, interp.resolve_positions(answers)


def test_a_samples_vector_is_the_mean_of_its_own_questions_tokens(llama, asked) -> None:
    answers, positions = asked
    weight = token_embeddings(llama, range(320))
    expected = torch.stack([weight[6:9].mean(0), torch.full_like(weight[0], torch.nan), weight[20]])
    whole = interp.capture(llama, answers, positions).question_embed
    torch.testing.assert_close(whole, expected, equal_nan=True, atol=0, rtol=1e-6)
    alone = torch.cat([question_embeddings(llama, answers, [i]) for i in range(3)])
    batches = {i: part for at, part in capture_batches(llama, answers, positions, batch_tokens=1) for i in at}
    for other in (alone, torch.cat([batches[i].question_embed for i in range(3)])):
        assert torch.equal(other.nan_to_num(), whole.nan_to_num())  # to the bit, whoever is in the batch


def test_a_model_whose_embedding_cannot_be_looked_up_has_none_and_is_captured_all_the_same(
    llama, asked, monkeypatch
) -> None:
    monkeypatch.setattr(type(backend_of(llama)), "embedding", None)
    cap = interp.capture(llama, *asked)
    assert cap.question_embed.shape == (3, 32) and cap.question_embed.isnan().all() and cap.resid[0].isfinite().any()


def test_parts_without_it_are_unknown_when_they_are_joined(llama, asked) -> None:
    cap = interp.capture(llama, *asked)
    bare = replace(cap, id=("a", "b", "c"), question_embed=None)
    joined = interp.Capture.concat([bare, cap]).question_embed
    assert joined[:3].isnan().all() and torch.equal(joined[3:].nan_to_num(), cap.question_embed.nan_to_num())
    assert interp.Capture.concat([bare]).question_embed is None


def labels(n: int = 200) -> Samples:
    names = [*map(str, range(n))]
    return Samples.named(np.arange(n) % 2, np.arange(n) // 2 % 5, names, names)


def test_what_is_planted_in_it_is_found_and_samples_without_it_are_left_out() -> None:
    given = labels()
    y = given.y
    x = np.random.default_rng(0).standard_normal((200, 6)).astype(np.float32)
    assert abs(question_estimate(x, given).value - 0.5) < 0.12
    x[:, 2] += 3 * y
    x[:60] = np.nan
    found = question_estimate(x, given)
    assert found.value > 0.95 and (found.n, found.n_correct) == (140, 70)
    nothing = question_estimate(np.full_like(x, np.nan), given)
    assert np.isnan(nothing.value) and nothing.reason.startswith("no question was located in its prompt")
    assert "at least 10" in question_estimate(np.where(np.arange(200)[:, None] < 195, np.nan, x), given).reason


def test_the_control_stands_beside_the_others_and_reads_samples_by_name() -> None:
    """The capture lists the samples in another order than the grid; its vectors tell which answer is right."""
    x, answers, grid = planted()
    cap, y = captured(x, answers, embed=torch.from_numpy(x[:, 0])), grid["y"].values
    told = torch.randn(len(y), 5, generator=torch.Generator().manual_seed(0))
    told[:, 0] += 4 * torch.from_numpy(y)
    grid = probe_grid(cap, y, n_jobs=1)
    assert "question_embedding" not in control_grid(cap, answers, grid, n_jobs=1).baselines
    order = np.random.default_rng(1).permutation(len(y))
    shuffled = replace(
        cap,
        sites={"resid_post": cap.resid[order]},
        embed=cap.embed[order],
        valid=cap.valid[order],
        index=cap.index[order],
        id=tuple(np.array(cap.id)[order]),
        question_embed=told[order],
    )
    controls = control_grid(shuffled, answers, grid, n_jobs=1)
    found = controls.baselines["question_embedding"]["all"]
    expected = question_estimate(
        told.numpy(),
        Samples.named(y, grid["fold"].values, grid["group"].values.tolist(), grid["sample"].values.tolist()),
        min_per_class=10,
    )
    assert found.value == expected.value > 0.95
    table = controls.table()
    (row,) = table[table["metric"] == "question_embedding_auc"].to_dict("records")
    assert (row["layer"], row["token"], row["value"], row["n"]) == ("all", "all", found.value, len(y))
    assert "Mean embedding of the question's tokens" in controls.summary(grid)["name"].tolist()
