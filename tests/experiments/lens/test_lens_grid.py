"""The lens against Hugging Face's logits and modules, against the answers' own log-probabilities, and by hand."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from families import FAMILIES, build, texts
from hooked_cases import same
from labelled_tokens import PROMPT, labelled
from sklearn.metrics import roc_auc_score
from tiny_models import LAYERS

import interp
from interp.demo import answered
from interp.experiments.lens import cells_read, reading, source
from interp.experiments.lens.by_cell import ANSWERS, cell_variables
from interp.experiments.lens.cells_read import BEFORE, PREDICTS, SEES, SOME, last_layer_deviation, place_of
from interp.experiments.lens.variables import LENS_GRID, LOGIT_ATTRIBUTION

ROLE = "exact_answer_before_first"
BY_HAND = {
    "gpt2": lambda m, x: m.lm_head(m.transformer.ln_f(x)),
    "llama": lambda m, x: m.lm_head(m.model.norm(x)),
    "gemma2": lambda m, x: 30 * torch.tanh(m.lm_head(m.model.norm(x)) / 30),
    "granite": lambda m, x: m.lm_head(m.model.norm(x)) / 3,
    "olmo2": lambda m, x: m.lm_head(m.model.norm(x)),
}
"""Plain Hugging Face: the last modules of five families, written out."""


@pytest.fixture
def of_case(case):
    """Answers, Capture and lens of one hooked model."""
    answers = labelled(case.tokens)
    cap = interp.capture(case.model, answers, interp.resolve_positions(answers))
    return answers, cap, interp.lens_grid(cap, answers, case.model, folds=2, min_per_class=1)


def test_the_last_layer_says_what_hugging_face_says(case, of_case):
    """Rank and log-probability of given token and top token at every role, from the plain model's logits."""
    answers, cap, lens = of_case
    for i in range(len(answers)):
        logits = case.logits[i].double()
        given = [*answers.prompt_ids[i], *answers.completion_ids[i]][PROMPT + 1]
        assert int(lens["given_token"][i]) == given
        for place, role in enumerate(cap.roles):
            one, at = lens.isel(sample=i).sel(layer=LAYERS - 1, token=role), int(cap.index[i, place])
            if not cap.valid[i, place]:
                assert np.isnan(one["score"]) and int(one["top_token"]) == -1
                continue
            own = logits[at]
            assert float(one["score"]) == pytest.approx(float(own.log_softmax(-1)[given]), abs=2e-4)
            rank = int((own > own[given]).sum())
            tied = int(((own - own[given]).abs() < 1e-4).sum())
            assert abs(float(one["rank"].sel(answer="given")) - rank) < tied
            assert int(one["top_token"]) == int(own.argmax())
            assert float(one["top_logprob"]) == pytest.approx(float(own.log_softmax(-1).max()), abs=2e-4)


def test_every_layer_is_unembedded_as_the_last(case, of_case):
    """The stream of a layer in the last one's place: what a hook that edits gives, one vector at a time."""
    from interp.models.hooked import forward, hook_name

    _, cap, lens = of_case
    model, place = case.model, cap.roles.index(ROLE)
    for layer in range(LAYERS - 1):
        vector, token = cap.resid[1, layer, place], torch.tensor([[5]])
        name = hook_name("resid_post", LAYERS - 1)
        put = {name: lambda hidden, vector=vector: vector.to(hidden).expand_as(hidden)}
        logits = forward(model, token, torch.ones_like(token), hooks=put, logits=True)[0].double()
        one = lens.isel(sample=1).sel(layer=layer, token=ROLE)
        assert float(one["score"]) == pytest.approx(float(logits.log_softmax(-1)[int(one["given_token"])]), abs=1e-4)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", BY_HAND)
def test_intermediate_layers_by_hand(name, tiny_folder):
    plain, model = build(name), interp.load_model(build(name), tokenizer=tiny_folder / "llama")
    answers = labelled(torch.tensor([text[:29] for text in texts()]))
    cap = interp.capture(model, answers, interp.resolve_positions(answers, roles=("last_q", ROLE, "exact_answer_last")))
    lens = interp.lens_grid(cap, answers, model, folds=2, min_per_class=1)
    with torch.no_grad():
        logits = BY_HAND[name](plain, cap.resid).double()
    given = torch.from_numpy(lens["given_token"].values)
    expected = logits.log_softmax(-1).gather(-1, given[:, None, None, None].expand(*logits.shape[:3], 1))[..., 0]
    same(torch.from_numpy(lens["score"].values), expected, 1e-5)
    assert lens.attrs["stored_dtype"] == lens.attrs["model_dtype"] == "float32" and name in FAMILIES


def test_where_it_is_predicted_it_is_the_answers_own_log_probability(llama):
    rows = [{"id": f"r{i}", "question": f"Where is {i}?", "answer": "e" if i % 2 else "t"} for i in range(12)]
    answers = interp.generate_answers(llama, rows, max_new_tokens=8, exact_answer="first_line")
    first = [span[0] - len(ids) for span, ids in zip(answers.exact_answer_tokens, answers.prompt_ids, strict=True)]
    own = [logprobs[at] for logprobs, at in zip(answers.logprobs, first, strict=True)]
    cap = interp.capture(llama, answers, interp.resolve_positions(answers))
    answers = replace(answers, correct=[i % 2 == 0 for i in range(12)])
    lens = interp.lens_grid(cap, answers, llama, folds=3, min_per_class=2)
    found = lens["score"].sel(layer=2, token=ROLE).values
    assert found == pytest.approx(own, abs=1e-5) and 0 <= lens.attrs["last_layer_deviation"] < 1e-5
    worse = [[one - 1 for one in logprobs] for logprobs in answers.logprobs]
    offset = np.full((12, 1), -1.0)
    assert last_layer_deviation(found[:, None], offset, replace(answers, logprobs=worse)) == pytest.approx(1, abs=1e-4)
    assert np.isnan(last_layer_deviation(found[:, None], offset + 1, answers))
    # An AUC of the score, without fitting: pairs of one fold only.
    y, fold = lens["y"].values, lens["fold"].values
    pairs = [
        (y[fold == f].sum() * (1 - y[fold == f]).sum(), roc_auc_score(y[fold == f], found[fold == f])) for f in range(3)
    ]
    assert float(lens["auc"].sel(layer=2, token=ROLE)) == pytest.approx(
        sum(n * auc for n, auc in pairs) / sum(n for n, _ in pairs)
    )


def test_a_model_that_is_sure_of_a_planted_token_shows_it_where_it_was_put(llama):
    """A row of the unembedding in the stream of one cell: there its token is the top one, in no other cell."""
    answers = labelled(torch.randint(3, 320, (4, 20), generator=torch.Generator().manual_seed(1)))
    cap = interp.capture(llama, answers, interp.resolve_positions(answers))
    x, place = cap.resid.clone(), cap.roles.index(ROLE)
    weight = llama.unembed.W_U.T if hasattr(llama.unembed, "W_U") else llama.unembed.weight
    for i, ids in enumerate(answers.completion_ids):
        x[i, 1, place] = 50 * weight[ids[1]].detach()
    lens = interp.lens_grid(replace(cap, sites={"resid_post": x}), answers, llama, folds=2, min_per_class=1)
    assert (lens["rank"].sel(answer="given", layer=1, token=ROLE) == 0).all()
    assert float(lens["top_share"].sel(answer="given", label="right", layer=1, token=ROLE)) == 1
    assert (lens["rank"].sel(answer="given", layer=0, token=ROLE) > 0).all()
    assert (lens["top_token"].sel(layer=1, token=ROLE) == lens["given_token"]).all()


def test_places_say_which_cells_see_the_answer(of_case):
    answers, _, lens = of_case
    place = dict(zip(lens["token"].values, lens["place"].values, strict=True))
    assert place[ROLE] == PREDICTS and place["last_q"] == BEFORE
    assert place["exact_answer_first"] == place["-1"] == SEES
    assert place["first_answer"] == PREDICTS  # the completion's second token is the answer
    assert (lens["offset"].sel(token=ROLE) == -1).all() and (lens["offset"].sel(token="exact_answer_last") == 0).all()
    assert place_of(np.array([-1.0, -2.0])) == BEFORE and place_of(np.array([np.nan])) == ""
    assert place_of(np.array([-1.0, 0.0])) == SOME and len(answers) == 4


def test_batches_and_repeated_tokens_change_nothing(llama, monkeypatch):
    answers = labelled(torch.randint(3, 320, (4, 16), generator=torch.Generator().manual_seed(2)))
    cap = interp.capture(llama, answers, interp.resolve_positions(answers))
    whole = interp.lens_grid(cap, answers, llama, folds=2, min_per_class=1)
    sizes = []
    read = reading.backend_of

    def counted(model):
        backend = read(model)
        unembed = backend.unembed
        backend.unembed = lambda x: sizes.append(len(x)) or unembed(x)
        return backend

    monkeypatch.setattr(reading, "backend_of", counted)
    monkeypatch.setattr(reading, "LOGITS", 5 * 320)
    small = interp.lens_grid(cap, answers, llama, folds=2, min_per_class=1)
    np.testing.assert_allclose(small["logprob"], whole["logprob"], atol=1e-5)
    assert max(sizes) == 5
    tokens = sum(len({*row[valid].tolist()}) for row, valid in zip(cap.index, cap.valid, strict=True))
    assert sum(sizes) == 3 * tokens < 3 * int(cap.valid.sum())  # a token with two names is read once
    monkeypatch.setattr(cells_read, "first_of_equal", lambda x, index: np.tile(np.arange(index.shape[1]), (len(x), 1)))
    np.testing.assert_allclose(
        interp.lens_grid(cap, answers, llama, folds=2, min_per_class=1)["logprob"], whole["logprob"], atol=1e-5
    )


def test_pooled_vectors_of_one_token_are_not_taken_for_each_other():
    x = torch.tensor([[[1.0], [2.0], [1.0], [torch.nan]]])
    assert reading.first_of_equal(x, torch.tensor([[7, 7, 7, 7]])).tolist() == [[0, 1, 0, 3]]
    assert reading.first_of_equal(x, torch.tensor([[7, 7, 8, 8]])).tolist() == [[0, 1, 2, 3]]


def test_what_stands_in_the_place_of_an_absent_role_is_not_read(llama):
    answers = labelled(torch.randint(3, 320, (4, 16), generator=torch.Generator().manual_seed(2)))
    cap = interp.capture(llama, answers, interp.resolve_positions(answers, roles=("last_q", ROLE)))
    valid = cap.valid.clone()
    valid[2, 0] = False
    lens = interp.lens_grid(replace(cap, valid=valid), answers, llama, folds=2, min_per_class=1)
    assert (
        np.isnan(lens["score"].sel(sample="2", token="last_q")).all()
        and int(lens["n"].sel(layer=0, token="last_q")) == 3
    )
    assert np.isfinite(lens["score"].sel(sample="2", token=ROLE)).all()


def test_a_vector_that_is_not_finite_says_nothing(llama):
    x = torch.zeros(2, 32)
    x[1] = torch.nan
    said = reading.read_vectors(llama, x, np.array([[3, 3], [-1, 5]]))
    assert np.isfinite(said.logprob[0, 0]) and np.isnan([said.logprob[1, 0], *said.rank[:, 1]]).all()
    assert said.top.tolist()[1] == -1 and reading.Said.nothing(2, (3,)).rank.shape == (2, 3)


def test_shares_and_ranks_of_cells_by_hand():
    rank = np.array([[0.0, 4.0, 2.0, 0.0], [0.0, 1.0, 2.0, np.nan]]).reshape(2, 4, 1, 1)
    found = cell_variables(-rank, rank, np.array([1, 0, 0, 0]), np.arange(4))
    value = {name: values.squeeze() for name, (_, values) in found.items()}
    assert value["top_share"].tolist() == [[1.0, 1 / 3], [1.0, 0.0]] and value["n_read"].tolist() == [[1, 3], [1, 2]]
    assert float(value["right_above_given"]) == 0.5 and value["median_rank"][0].tolist() == [0.0, 2.0]
    assert value["mean_logprob"][0, 1] == -2 and ANSWERS == ("given", "right")


def test_it_is_a_grid_like_the_others():
    model, answers = answered(30)
    cap = interp.capture(model, answers, interp.resolve_positions(answers, roles=(ROLE, "exact_answer_first")))
    options = {"folds": 2, "min_per_class": 3}
    lens, probe = interp.lens_grid(cap, answers, model, **options), interp.probe_grid(cap, answers, **options)
    assert interp.join_grids(probe, lens, names=("probe", "lens"))["auc"].dims == ("grid", "layer", "token")
    assert interp.compare_grids(probe, lens, names=("probe", "lens")).delta_auc["delta"].shape == (
        model.cfg.n_layers,
        2,
    )
    assert interp.plot_grid(lens).get_ylabel() == "Layer"
    listed = {name for line in LENS_GRID.splitlines() for name in line.split(" (")[0].split(", ")}
    assert listed == set(lens.variables) and "component" in LOGIT_ATTRIBUTION


def test_what_does_not_fit_is_refused_in_a_sentence(llama, of_case, every_call):
    answers, cap, _ = of_case
    other = every_call["lens_grid"].arguments
    with pytest.raises(interp.DataError, match=r"'resid_post' was not captured.*--site resid_post"):
        interp.lens_grid(replace(cap, sites={"mlp_post": cap.resid}), answers, llama)
    with pytest.raises(interp.DataError, match="width"):
        interp.lens_grid(replace(cap, sites={"resid_post": cap.resid[..., :4]}), answers, llama)
    with pytest.raises(interp.DataError, match="needs the model"):
        interp.lens_grid(cap, answers)
    with pytest.raises(interp.DataError, match="answers"):
        interp.lens_grid(cap, None, llama)
    with pytest.raises(interp.DataError, match="not in the answers"):
        interp.lens_grid(other["cap"], replace(answers, id=["a", "b", "c", "d"]), llama)
    assert source.Source.of(other["answers"], llama, None).why_none == source.NO_ROWS
