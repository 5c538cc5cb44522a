"""A text is one thing, not its letters: every argument that holds several texts, found by what the signatures say."""

import inspect
import types
import typing
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np
import pytest
from test_wrong_input import elsewhere, methods  # noqa: F401  (a fixture)
from valid_calls import ROLES, SMALL, Call, labels

import interp
from interp.runs.settings import Settings

SEVERAL = (Sequence, Iterable, Collection, AbstractSet, Mapping, list, tuple, set, frozenset, dict)
RESULTS = ("Answers", "BestCell", "Comparison", "FittedProbe", "Plan", "Positions", "Run", "Selective", "TokenScores")
"""What functions return: their fields are read, not given."""


def holds_several_texts(annotation: Any) -> bool:
    """Whether an annotation allows a collection of texts (of pairs of them, of anything)."""
    if annotation is Any or annotation is inspect.Parameter.empty:
        return False
    origin, of = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        return any(map(holds_several_texts, of))
    return origin in SEVERAL and any(mentions_text(part) for part in of)


def mentions_text(annotation: Any) -> bool:
    return annotation in (str, Any) or any(map(mentions_text, typing.get_args(annotation)))


def arguments() -> dict[str, Any]:
    """Every argument of every public function, method and constructor, with what it says that it takes."""
    found = {}
    for name in [*interp.__all__, "Settings"]:
        thing = Settings if name == "Settings" else getattr(interp, name)
        if inspect.isfunction(thing):
            found |= {f"{name}.{p}": hint for p, hint in hints(thing).items()}
        elif inspect.isclass(thing) and not issubclass(thing, Exception):
            if is_dataclass(thing) and name not in RESULTS:
                found |= {f"{name}.{field.name}": field.type for field in fields(thing)}
            for method in methods(thing) if thing is not Settings else ():
                found |= {f"{name}.{method}.{p}": hint for p, hint in hints(getattr(thing, method)).items()}
    return found


def hints(function: Callable[..., Any]) -> dict[str, Any]:
    function = inspect.unwrap(function)
    taken = [p for p in inspect.signature(function).parameters.values() if p.name not in ("self", "cls")]
    return {p.name: p.annotation for p in taken if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)}


def changed(call: Call, **arguments: Any) -> Any:
    return call.function(**(call.arguments | arguments))


def same(one: Any, two: Any) -> bool:
    """Whether two results are equal, as far as the texts given can tell."""
    if isinstance(one, interp.Answers):
        return (one.exact_answer, one.completion_ids) == (two.exact_answer, two.completion_ids)
    if isinstance(one, interp.Capture):
        return list(one.sites) == list(two.sites)
    if isinstance(one, interp.Positions):
        return one.roles == two.roles
    return one is two or one == two


def wrapped(made: dict[str, Call]) -> dict[str, tuple[Callable[[Any], Any], str]]:
    """Arguments of which one text may be given bare: the call, and a text."""

    def settings(name: str, text: str) -> tuple[Callable[[Any], Any], str]:
        return (lambda given: getattr(Settings(model="m", data="d", **{name: given}), name)), text

    probe = made["probe_grid"]
    one_role = {"data": probe.arguments["data"][:, :, :1], "layers": None}
    return {
        "generate_answers.stop": (lambda given: changed(made["generate_answers"], stop=given), "\n"),
        "generate_answers.candidates": (lambda given: changed(made["generate_answers"], candidates=given), "Paris"),
        "generate_answers.default_candidates": (
            lambda given: changed(
                made["generate_answers"],
                candidates=None,
                exact_answer=None,
                answer_pattern=None,
                default_candidates=given,
            ),
            "Paris",
        ),
        "QARow.options": (lambda given: interp.QARow("a", "Where?", ("Paris",), options=given).options, "Paris"),
        "QARow.wrong_answer": (lambda given: interp.QARow("a", "?", ("b",), wrong_answer=given).wrong_answer, "Rome"),
        "capture.sites": (lambda given: changed(made["capture"], sites=given), "mlp_post"),
        "capture_from_cache.sites": (lambda given: changed(made["capture_from_cache"], sites=given), "resid_post"),
        "Capture.to_xarray.names": (
            lambda given: list(changed(made["Capture.to_xarray"], names=given).data_vars),
            "entropy",
        ),
        "RunSample.attention.role": (
            lambda given: changed(made["RunSample.attention"], role=given).values.ravel().tolist(),
            "last_q",
        ),
        "load_model.sites": (lambda given: changed(made["load_model"], sites=given), "mlp_post"),
        "resolve_positions.roles": (lambda given: changed(made["resolve_positions"], roles=given), "last_q"),
        "Positions.at.roles": (lambda given: interp.Positions.at([3, 4], 9, roles=given), "subject"),
        "Positions.at.pooling": (lambda given: interp.Positions.at([[[3, 4]]], 9, pooling=given), "max"),
        "probe_grid.roles": (lambda given: changed(probe, **one_role, roles=given)["token"].values.tolist(), "subject"),
        **{
            f"{grid}.roles": (lambda given, call=call: changed(call, roles=given)["token"].values.tolist(), "last_q")
            for grid, call in made.items()
            if grid in ("gain_grid", "matched_width_grid")
        },
        "detectors.only": (
            lambda given: changed(made["detectors"], only=given)["detector"].values.tolist(),
            "logprob_mean",
        ),
        "transfer.roles": (
            lambda given: changed(made["transfer"], cell=(1, "last_q"), roles=given)["cell_token"].values.tolist(),
            "last_q",
        ),
        "patch_grid.roles": (
            lambda given: changed(made["patch_grid"], roles=given)["token"].values.tolist(),
            "last_q",
        ),
        "patch_grid.controls": (
            lambda given: changed(made["patch_grid"], controls=given)["control"].values.tolist(),
            "same_label",
        ),
        "error_types.no_answer": (
            lambda given: changed(made["error_types"], no_answer=given)["question_n_no_answer"].values.tolist(),
            "NO ANSWER",
        ),
        "choose_answers.no_answer": (
            lambda given: changed(made["choose_answers"], no_answer=given)["accuracy"].fillna(-1).values.tolist(),
            "NO ANSWER",
        ),
        "QARow.answers": (lambda given: interp.QARow("a", "Where?", given).answers, "Paris"),
        "Settings.sites": settings("sites", "mlp_post"),
        "Settings.roles": settings("roles", "last_q"),
        "Settings.stop": settings("stop", "END"),
        "Settings.candidates": settings("candidates", "Paris"),
    }


def refused(made: dict[str, Call]) -> dict[str, Callable[[Any], Any]]:
    """Arguments of which one text cannot be meant."""
    names = [
        "Capture.layers", "Capture.roles", "Capture.id", "Capture.sites", "Capture.attention",
        "Capture.concat.parts", "probe_grid.ids", "permutation_test.ids", "control_grid.ids", "capture_from_cache.ids",
        "capture_from_files.layers", "capture_from_hidden_states.layers",
        "join_grids.names", "compare_grids.names", "compare_runs.grids", "transfer.runs", "load_rows.columns", "judge_answers.hand_labels",
        "plot_grid.controls", "selective.rates", "Comparison.from_dict.stored", "QARow.prompt_ids", "QARow.completion_ids",
        *(f"{grid}.{what}" for grid in ("probe_grid", "attention_grid") for what in ("y", "groups", "valid", "fold")),
        *(f"fit_probe.{what}" for what in ("y", "groups", "fold")), "fit_probe.ids", "gain_grid.y", "matched_width_grid.y", "paper_answers.rows",
        *(f"plot_heads.{what}" for what in ("y", "groups", "fold")), "probe_grid.layers", "probe_grid.components",
        "Positions.at.index", "Positions.at.n_tokens", "Positions.at.valid", "Positions.at.n_prompt", "Positions.__getitem__.samples", "Capture.__getitem__.samples",
        "FittedProbe.score.data", "FittedProbe.probability.data", "FittedProbe.steer.position", "FittedProbe.ablate.position", "FittedProbe.score_tokens.fold",
        "attention_grid.cap", "probe_grid.data", "matched_width_grid.data", "permutation_test.data", "control_grid.data", "control_grid.roles", "permutation_test.roles",
        "fit_probe.data", "capture_from_cache.cache", "judge_answers.rows", "QARow.messages", "generate_answers.chat_options",
        "choose_answers.cell", "detectors.cell", "dose_response.cell", "lens_grid.fold", "lens_grid.rows", "logit_attribution.rows",
    ]  # fmt: skip

    def call(name: str) -> Callable[[Any], Any]:
        function, _, argument = name.rpartition(".")
        free = {"plot_heads.groups": {"fold": None}}.get(name, {})
        return lambda given: changed(made[function], **free, **{argument: given})

    found: dict[str, Callable[[Any], Any]] = {name: call(name) for name in names}
    found["Settings.columns"] = lambda given: Settings(model="m", data="d", columns=given)
    found["Settings.chat_options"] = lambda given: Settings(model="m", data="d", chat_options=given)
    found["Settings.C"] = lambda given: Settings(model="m", data="d", C=given)
    return found


ONE_TEXT_IS_MEANT = {
    "load_rows.source", "run.data", "plan.data", "resume.data", "gather.data", "generate_answers.rows",  # a file
    "load_dataset.path", "open_run.out", "explore.data", "resume.out", "gather.out", "run.out", "plan.out",
    "load_model.source", "load_model.tokenizer", "run.model", "plan.model", "resume.model", "gather.model", "generate_answers.model",
    "RunSample.attention.model", "RunSample.show_attention.model", "capture.model", "capture_from_cache.model", "paper_answers.model",  # a name
    "probe_grid.probe", "attention_grid.probe", "fit_probe.probe", "control_grid.probe", "probe_grid.C", "attention_grid.C",
    "fit_probe.C", "generate_answers.correct", "generate_answers.judge", "generate_answers.extractor", "judge_answers.judge",
}  # fmt: skip
"""A path, the name of a model, a rule or an estimator, or "cv"."""
NO_TEXTS = {
    "Capture.settings",
    "Capture.embed", "Capture.question_embed", "Capture.valid", "Capture.index", "plot_heads.cap", "paper_answers.options", "resolve_positions.tokenizer",
}  # fmt: skip
"""Arrays and objects of ours."""
PASSED_ON = {
    **{f"{grid}.ids": "probe_grid.ids" for grid in ("gain_grid", "matched_width_grid")},
    **{f"{door}.{name}": f"Settings.{name}" for door in ("run", "plan") for name in ("candidates", "chat_options", "columns", "sites", "stop")},
    **{f"paper_answers.{name}": f"generate_answers.{name}" for name in ("candidates", "chat_options", "default_candidates", "stop")},
    "resume.candidates": "Settings.candidates", "gather.candidates": "Settings.candidates",
    "run.roles": "Settings.roles", "plan.roles": "Settings.roles", "resume.roles": "Settings.roles", "gather.roles": "Settings.roles",
}  # fmt: skip
"""Options that are handed on as they came: what one text does is said where they arrive."""


def test_no_argument_is_forgotten(every_call):
    """What says that it holds several texts, or says nothing (Any), stands in one of the tables above."""
    tables = {*wrapped(every_call), *refused(every_call), *ONE_TEXT_IS_MEANT, *NO_TEXTS}
    assert {*PASSED_ON.values()} <= tables
    tables |= {*PASSED_ON}
    several = {name for name, hint in arguments().items() if holds_several_texts(hint) or hint is Any or hint is object}
    assert {"generate_answers.candidates", "probe_grid.ids", "Settings.stop"} <= several  # the search finds them
    assert several <= tables, f"say what one text does as {sorted(several - tables)}"


@pytest.mark.usefixtures("as_users_run_it")
def test_one_text_is_one_of_them(every_call):
    for name, (call, text) in wrapped(every_call).items():
        assert same(call(text), call([text])), name


@pytest.mark.usefixtures("as_users_run_it")
def test_bytes_are_no_text_and_have_no_letters(every_call):
    for name, (call, text) in wrapped(every_call).items():
        with pytest.raises(interp.InterpError, match="expected"):
            pytest.fail(f"{name}: {call(text.encode())}")


@pytest.mark.usefixtures("as_users_run_it")
def test_one_text_is_refused_where_it_cannot_be_meant(every_call):
    """As long as the axis that it would label, so that its letters would fit."""
    for name, call in refused(every_call).items():
        for text in ("x", "ab", "abc", "x" * 24):
            for given in (text, text.encode()):
                with pytest.raises(interp.InterpError):
                    pytest.fail(f"{name}={given!r}: {call(given)}")


def test_candidates_are_searched_whole(llama):
    """The case of the issue: the letters of `Paris` are in nearly every completion, Paris is in none."""
    rows = [interp.QARow("0", "Where?", ("Rome",), completion="It is a river in Spain.")]
    bare = interp.generate_answers(llama, rows, candidates="Paris")
    assert bare.exact_answer == [None]
    named = interp.generate_answers(llama, [replace(rows[0], completion="I say Paris.")], candidates="Paris")
    assert named.exact_answer == ["Paris"]


def test_labels_of_a_grid_are_whole(every_call):
    grid = interp.probe_grid(np.random.default_rng(0).random((24, 1, 1, 3)), labels(), roles="last_q", **SMALL)
    assert grid["token"].values.tolist() == ["last_q"] and len(ROLES) == 2
