"""One valid call of every public function and method, on planted data: a test changes one argument and sees what comes."""

import json
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib import pyplot as plt

import interp
from interp.grids.of_run import RunLike
from interp.runs.run_model import RunModel

N, ROLES, LAYERS, HEADS, WIDTH = 24, ("last_q", "exact_answer_first"), (0, 1), 2, 3
SMALL = {"folds": 2, "min_per_class": 2, "n_jobs": 1}
"""Options of a grid of so few samples."""
VLLM_FILES, VLLM_TOKENS = Path(__file__).parent / "fixtures" / "activations" / "vllm", [30, 28, 26, 26]
SAE = Path(__file__).parent / "fixtures" / "activations" / "sae_lens" / "standard"
FAST = {"probe": "mass-mean"}
"""The estimator that takes a seventh of the time of the default."""


@dataclass(frozen=True)
class Call:
    """A public function or method, and arguments that it takes."""

    function: Callable[..., Any]
    arguments: dict[str, Any]
    options: tuple[str, ...] = ()
    """Names that it takes as **options besides."""


def labels() -> list[bool]:
    return [i % 2 == 0 for i in range(N)]


def planted_answers(n: int = N) -> interp.Answers:
    prompt, completion = [5, 6, 7], [8, 9, 10]
    return interp.Answers(
        id=[f"s{i}" for i in range(n)],
        question=[f"question {i}?" for i in range(n)],
        group=[f"g{i}" for i in range(n)],
        prompt=["abc"] * n,
        prompt_ids=[prompt] * n,
        completion_ids=[completion] * n,
        text=["it is Paris"] * n,
        finish=["stop"] * n,
        logprobs=[[-0.1, -0.2, -0.3 - i / n] for i in range(n)],
        correct=labels()[:n],
        exact_answer=[("Paris", "Rome", "Oslo")[i % 3] for i in range(n)],
        exact_answer_method=["candidates"] * n,
        exact_answer_tokens=[(4, 4)] * n,
        question_tokens=[(0, 1)] * n,
        status=["ok"] * n,
    )


def planted_capture() -> interp.Capture:
    rng, y = np.random.default_rng(0), np.array(labels(), dtype=float)
    x = rng.standard_normal((N, len(LAYERS), len(ROLES), WIDTH)).astype(np.float32)
    x[:, 1, 1, 0] += y
    heads = rng.random((2, N, len(LAYERS), HEADS, len(ROLES))).astype(np.float32)
    return interp.Capture(
        sites={"resid_post": torch.from_numpy(x), "mlp_post": torch.from_numpy(x[..., :2].copy())},
        embed=torch.from_numpy(x[:, 0].copy()),
        attention={"entropy": torch.from_numpy(heads[0]), "received": torch.from_numpy(heads[1])},
        valid=torch.ones(N, len(ROLES), dtype=torch.bool),
        index=torch.zeros(N, len(ROLES), dtype=torch.long),
        layers=LAYERS,
        roles=ROLES,
        id=tuple(f"s{i}" for i in range(N)),
    )


class PlantedRun(RunLike):
    """As much of a run as a sample asks of it."""

    name = record = samples = answers = capture = probe = attention = comparison = positions = table = None

    def __init__(self, answers: interp.Answers, positions: interp.Positions) -> None:
        self.answers, self.positions = answers, positions


class PlantedModel(RunModel):
    """The model of a run, which no other may replace."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def hooked(self, model: Any = None) -> Any:
        if model is not None and model is not self.model:
            raise interp.RunError("another model")
        return self.model

    def decode(self) -> tuple[Callable[[Any], str], str]:
        return (lambda ids: "x" * len(ids)), ""


def unfinished_run(folder: Path) -> Path:
    """A run folder as it is before the first answer."""
    folder.mkdir()
    record = {
        "created": "now", "data": {"source": "rows.jsonl", "sha256": "0", "rows": 3}, "model": {"weights_sha256": "0"},
        "resume": f"interp resume {folder}", "seconds": {}, "state": "answering", "versions": {},
        "settings": {"model": "no/model", "data": str(folder / "rows.jsonl"), "samples_per_question": 1},
    }  # fmt: skip
    (folder / "run.json").write_text(json.dumps(record))
    return folder


def write_json(comparison: interp.Comparison, path: Path) -> Path:
    path.write_text(json.dumps(comparison.to_dict()))
    return path


def calls(model: Any, folder: Path) -> dict[str, Call]:
    """Every public function and method by its name; `folder` is empty."""
    cap, answers, y = planted_capture(), planted_answers(), labels()
    pairs = [f"r{i // 2}" for i in range(N)]  # two draws of each of twelve questions
    several = replace(answers, row=pairs, draw=[i % 2 for i in range(N)], group=pairs)
    by_pair = interp.probe_grid(cap, y, pairs, **SMALL)
    probe, attention = interp.probe_grid(cap, y, **SMALL), interp.attention_grid(cap, y, **SMALL)
    bare = cap.sites["resid_post"][:, 1:, 1:]
    of_bare = interp.probe_grid(bare, y, ids=list(cap.id), **SMALL)  # one cell: the controls of many would take long
    positions = interp.resolve_positions(answers, roles=ROLES)
    comparison, chosen = interp.compare_grids(probe, attention), interp.selective(probe, 1, ROLES[1], resamples=5)
    fitted = interp.fit_probe(cap, y, layer=1, role=ROLES[1], folds=2, min_per_class=2)
    rows = [{"id": f"r{i}", "question": f"Where is {i}?", "answer": "Paris"} for i in range(3)]
    few = planted_answers(3)
    at_few = interp.resolve_positions(few, roles=ROLES)
    lens_answers = planted_answers(4)
    of_lens = interp.capture(model, lens_answers, interp.resolve_positions(lens_answers, roles=ROLES))
    tokens = torch.tensor([[5, 6, 7, 8, 9, 10]] * 3)
    few_as_run = interp.Positions.at([[0, 4]] * 3, 6, roles=ROLES)
    _, cache = model.run_with_cache(tokens)
    pattern = cache["pattern", 0]
    run = interp.open_run(unfinished_run(folder / "run"))
    sample = interp.RunSample(PlantedRun(few, at_few), 0, PlantedModel(model))
    saved = interp.save_probe(fitted, folder / "probe")
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    published = {"Question": "Who?", "Answer": "Ann"}
    (folder / "movies.jsonl").write_text(json.dumps(published) + "\n")
    wide = torch.ones(32).double()
    of_model = replace(fitted, direction=wide, mean=wide, scale=wide, fold_direction=torch.stack([wide, wide]))
    of_sae = torch.ones(128).double()
    for_sae = {"direction": of_sae, "mean": of_sae, "scale": of_sae, "fold_direction": of_sae[None].repeat(2, 1)}
    of_tokens = of_model.score_tokens(model, few)
    ax = plt.figure().subplots()
    one_group = [{"question": "Where?", "answer": "Paris", "id": str(i)} for i in range(3)]
    settings = tuple(name for name in interp_settings() if name not in ("model", "data"))
    grid_options = ("folds", "population", "site", "n_jobs")  # those of probe_grid, which has a call of its own
    of_grid = {"data": cap, "y": y, "groups": answers.group, "valid": None, **SMALL}
    return {
        "Anchor": Call(interp.Anchor, {"landmark": "start", "offset": 1, "region": "prompt"}),
        "Pool": Call(interp.Pool, {"how": "mean", "span": "first_answer", "to": "-1"}),
        "Match": Call(
            interp.Match, {"pattern": "a", "at": "last", "offset": 0, "occurrence": 0, "region": "prompt"}
        ),
        "QARow": Call(interp.QARow, {name: None for name in fields_of(interp.QARow)} | {
            "id": "a", "question": "q", "answers": ("b",), "source": "",
        }),
        "Answers": Call(interp.Answers, vars(few) | {"id": few.id}),
        "Capture": Call(interp.Capture, vars(cap) | {"id": cap.id}),
        "Run": Call(interp.Run, {"folder": run.folder}),
        "attention_grid": Call(interp.attention_grid, {"cap": cap, **FAST, **without(of_grid, "data")}),
        "attention_metrics": Call(
            interp.attention_metrics,
            {"pattern": pattern, "positions": at_few, "window": 4, "padding_side": "right",
             "value": cache["v", 0], "W_O": model.W_O[0]},
        ),
        "capture": Call(
            interp.capture, {"model": model, "answers": few, "positions": at_few, "sites": ("resid_post",),
                             "batch_tokens": 100, "progress": None},
        ),
        "capture_from_cache": Call(
            interp.capture_from_cache, {"cache": cache, "positions": at_few, "sites": ("resid_post",),
                                        "padding_side": "right", "model": model, "ids": ["a", "b", "c"]},
        ),
        "capture_from_files": Call(
            interp.capture_from_files, {"source": VLLM_FILES, "positions": interp.Positions.at([[3]] * 4, VLLM_TOKENS),
                                        "layers": ["embed", 2, 7], "ids": list("abcd")},
        ),
        "capture_from_hidden_states": Call(
            interp.capture_from_hidden_states,
            {"token_ids": tokens, "states": [torch.zeros(3, 6, 4)] * 4, "positions": few_as_run,
             "layers": ["embed", 0, 1, 2], "site": "resid_post", "final_norm": True,
             "attentions": [torch.ones(3, 2, 6, 6).tril() / torch.arange(1, 7)[:, None]] * 4,
             "attention_mask": [[1] * 6] * 3, "model": None, "ids": ["a", "b", "c"]},
        ),
        "Capture.__getitem__": Call(cap.__getitem__, {"samples": [0, 1]}),
        "Capture.concat": Call(interp.Capture.concat, {"parts": [cap]}),
        "Positions.at": Call(
            interp.Positions.at,
            {"index": [[0, 1], [2, 3]], "n_tokens": [4, 4], "roles": ["a", "b"], "valid": [[True, True], [True, False]],
             "n_prompt": [2, 2]},
        ),
        "Positions.__getitem__": Call(positions.__getitem__, {"samples": [0, 1]}),
        "Positions.to": Call(positions.to, {"device": "cpu"}),
        "Capture.to_xarray": Call(cap.to_xarray, {"names": ["entropy", "embed"]}),
        "Cells.plot": Call(
            probe.cells.plot,
            {"value": "auc", "ax": ax, "title": "t", "embed": False, "controls": {"c": [0.5, 0.5]}, "colorbar": False,
             "width": None},
        ),
        "Comparison.plot": Call(comparison.plot, {"ax": ax, "title": "t", "width": None}),
        "Run.best": Call(run.best, {"grid": "attention"}),
        "Run.plot": Call(run.plot, {"title": "t", "width": 7.0}),
        "Run.sample": Call(run.sample, {"sample": 0}),
        "RunSample.attention": Call(
            sample.attention, {"role": ["last_q"], "layer": 0, "head": 1, "model": None}
        ),
        "RunSample.show_attention": Call(
            sample.show_attention, {"role": "last_q", "layer": 0, "head": 1, "model": None}
        ),
        "Comparison.__getitem__": Call(comparison.__getitem__, {"key": "delta_auc"}),
        "Comparison.read": Call(interp.Comparison.read, {"path": write_json(comparison, folder / "comparison.json")}),
        "Comparison.from_dict": Call(interp.Comparison.from_dict, {"stored": comparison.to_dict()}),
        "FittedProbe.score": Call(fitted.score, {"data": cap}),
        "FittedProbe.probability": Call(fitted.probability, {"data": np.zeros((2, WIDTH))}),
        "FittedProbe.score_tokens": Call(
            of_model.score_tokens, {"model": model, "answers": few, "tokens": "all", "fold": None, "batch_tokens": 100},
        ),
        "TokenScores": Call(interp.TokenScores, {f.name: getattr(of_tokens, f.name) for f in fields(of_tokens)}),
        "FittedProbe.steer": Call(fitted.steer, {"alpha": 1.0, "position": 0}),
        "FittedProbe.ablate": Call(fitted.ablate, {"position": slice(None)}),
        "Run.activations": Call(run.activations, {"layer": 0, "role": "last_q", "site": "resid_post"}),
        **{f"Run.{name}": Call(reading(run, name), {}) for name in RUN_READS},
        "error_types": Call(
            interp.error_types,
            {"answers": several, "cap": cap, "merged": True, "consistent": 0.5, "many": 0.4, "close": 0.2,
             "no_answer": ("NO ANSWER",), "same": None, "correct": "contains", "seed": 0, "C": 1.0, **FAST,
             "site": "resid_post", "population": "all", "folds": 2, "permutations": 0, "min_per_class": 2, "n_jobs": 1,
             "progress": None, "sampled": None},
        ),
        "choose_answers": Call(
            interp.choose_answers,
            {"answers": several, "grid": by_pair, "cap": cap, "cell": (1, ROLES[1]), "scores": {"mine": {"s0": 1.0}},
             "consistent": 0.5, "many": 0.4, "close": 0.2, "no_answer": ("NO ANSWER",), "same": None,
             "correct": "contains", "seed": 0, "resamples": 100, "min_per_class": 2},
        ),
        "compare_grids": Call(interp.compare_grids, {"probe": probe, "attn": attention, "names": ("a", "b")}),
        "compare_runs": Call(interp.compare_runs, {"grids": {"a": probe, "b": attention}, "layers": "same"}),
        "transfer": Call(
            interp.transfer,
            {"runs": {"a": (cap[:12], answers[:12]), "b": (cap[12:], answers[12:])}, "by": None, "cell": (1, ROLES[1]),
             "across_models": False, **FAST, "C": 1.0, "site": "resid_post", "population": "all", "layers": LAYERS,
             "roles": ROLES, "folds": 2, "seed": 0, "min_per_class": 2, "n_jobs": 1, "progress": None},
        ),
        "control_grid": Call(
            interp.control_grid,
            {"data": bare, "answers": answers, "grid": of_bare, "probe": None, "ids": list(cap.id), "seed": 0,
             "n_jobs": 1, "progress": None},
        ),
        "detectors": Call(
            interp.detectors,
            {"cap": cap, "answers": answers, "grid": probe, "only": ["logprob_mean", "probe"], "detectors": None,
             "model": None, "chat": None, "cell": (1, ROLES[1]), "entailment": None, "seed": 0},
        ),
        "fit_probe": Call(
            interp.fit_probe,
            {"data": cap, "y": y, "groups": None, "layer": 1, "role": ROLES[1], "site": "resid_post",
             **FAST, "C": 1.0, "folds": 2, "seed": 0, "population": "all", "fold": None, "model": "",
             "min_per_class": 2},
        ),
        "explore": Call(interp.explore, {"data": probe}),
        "gain_grid": Call(interp.gain_grid, {"cap": cap, "y": y, "site": "resid_post", **SMALL}, grid_options),
        "generate_answers": Call(
            interp.generate_answers,
            {"model": model, "rows": rows, "max_new_tokens": 2, "candidates": ["Paris"], "seed": 0},
        ),
        "grid_table": Call(interp.grid_table, {"data": probe}),
        "join_grids": Call(interp.join_grids, {"probe": probe, "attn": attention, "names": ("a", "b")}),
        "judge_answers": Call(
            interp.judge_answers,
            {"answers": planted_answers(3), "judge": lambda prompt: "yes", "hand_labels": {"s0": True},
             "rows": [row | {"id": f"s{i}"} for i, row in enumerate(rows)]},
        ),
        "lens_grid": Call(
            interp.lens_grid,
            {"cap": of_lens, "answers": lens_answers, "model": model, "rows": rows, "fold": None, "population": "all",
             "folds": 2, "seed": 0, "min_per_class": 1, "progress": None},
        ),
        "logit_attribution": Call(
            interp.logit_attribution,
            {"answers": lens_answers, "model": model, "rows": rows, "seed": 0, "batch_tokens": 100, "progress": None},
        ),
        "load_dataset": Call(interp.load_dataset, {"name": "movies", "path": folder / "movies.jsonl", "limit": 1}),
        "load_model": Call(interp.load_model, {"source": model, "device": "cpu", "dtype": "float32", "sites": ()}),
        "load_probe": Call(interp.load_probe, {"path": saved}),
        "load_rows": Call(interp.load_rows, {"source": folder / "rows.jsonl", "columns": None, "limit": 2}),
        "matched_width_grid": Call(
            interp.matched_width_grid, {"data": cap, "y": y, "attention": attention, **SMALL}, grid_options
        ),
        "observations": Call(interp.observations, {"grid": probe}),
        "open_run": Call(interp.open_run, {"out": run.folder.path}),
        "dose_response": Call(
            interp.dose_response,
            {**as_wide_as_the_model(pairs_to_patch(cap, answers, positions, probe)), "model": model,
             "cell": (1, "last_q"), "doses": [1.0],
             "outcome": "answer", "question": None, "pairs": 2, "match": "roles", "draws": 1, "seed": 0,
             "progress": None},
        ),
        "patch_grid": Call(
            interp.patch_grid,
            {**pairs_to_patch(cap, answers, positions, probe), "model": model, "site": "z", "head": 0,
             "method": "attribution", "outcome": "answer", "question": None, "pairs": 2, "match": "roles",
             "controls": ["same_label"], "layers": [1], "roles": ["last_q"], "flips": 99, "seed": 0, "progress": None},
        ),
        "paper_answers": Call(
            interp.paper_answers, {"model": model, "rows": rows, "dataset": None, "seed": 0, "max_new_tokens": 2},
            parameters(interp.generate_answers),
        ),
        "paper_grid": Call(
            interp.paper_grid, {"cap": cap, "answers": answers, "site": "mlp_post", "seed": 0, "n_samples": 20}
        ),
        "paper_positions": Call(interp.paper_positions, {"answers": answers}),
        "permutation_test": Call(
            interp.permutation_test,
            {"grid": of_bare, "data": bare, "permutations": 5, "seed": 0, "statistic": "ridge", "device": "cpu",
             "ids": list(cap.id), "n_jobs": 1},
        ),
        # Three questions of one group are too few for any run: what else is wrong is found before that.
        "plan": Call(interp.plan, {"model": model, "data": rows, "out": folder / "new", "time": False}, settings),
        "run": Call(interp.run, {"model": model, "data": one_group, "out": folder / "new"}, settings),
        "gather": Call(
            interp.gather, {"out": run.folder.path, "model": model, "data": rows},
            ("correct", "judge", "extractor", "roles"),
        ),
        "resume": Call(
            interp.resume, {"out": run.folder.path, "model": model, "data": rows},
            ("correct", "judge", "extractor", "roles"),
        ),
        "plot_comparison": Call(
            interp.plot_comparison, {"first": probe, "second": attention, "comparison": comparison, "title": "t"}
        ),
        "plot_grid": Call(
            interp.plot_grid,
            {"grid": probe, "value": "auc", "ax": ax, "title": "t", "controls": {"c": [0.5, 0.5]}, "colorbar": False},
        ),
        "plot_heads": Call(
            interp.plot_heads,
            {"cap": cap, "y": y, "role": "last_q", "metric": "entropy", "fold": [0, 1] * (N // 2), "groups": None,
             "ax": ax},
        ),
        "plot_risk_coverage": Call(interp.plot_risk_coverage, {"selective": chosen, "ax": ax, "title": "t"}),
        "FittedProbe.save_pretrained": Call(
            fitted.save_pretrained, {"folder": folder / "hub", "controls": None, "base_model": "org/model"}
        ),
        "FittedProbe.from_pretrained": Call(
            interp.FittedProbe.from_pretrained, {"folder": fitted.save_pretrained(folder / "hub")}
        ),
        "feature_cosines": Call(
            interp.feature_cosines, {"probe": replace(of_model, **for_sae, layer=2), "folder": SAE, "limit": 3},
        ),
        "probe_grid": Call(
            interp.probe_grid,
            {**of_grid, "data": cap.sites["resid_post"][:, 1:], "layers": [3], "roles": ["a", "b"], "ids": list(cap.id),
             **FAST, "nested": False, "embed": False},
        ),
        "resolve_positions": Call(interp.resolve_positions, {"answers": answers, "roles": ROLES, "tokenizer": None}),
        "save_probe": Call(interp.save_probe, {"probe": fitted, "path": folder / "again"}),
        "selective": Call(
            interp.selective,
            {"grid": probe, "layer": 1, "token": ROLES[1], "rates": (0.1,), "resamples": 3, "seed": 0},
        ),
    }  # fmt: skip


def pairs_to_patch(
    cap: interp.Capture, answers: interp.Answers, positions: interp.Positions, grid: Any
) -> dict[str, Any]:
    """With exact answers of several tokens, where they stand in the texts that are run."""
    exact = [[8, 9 + i % 3, 10] for i in range(N)]
    return {"cap": replace(cap, index=positions.index), "answers": replace(answers, completion_ids=exact), "grid": grid}


def as_wide_as_the_model(given: dict[str, Any]) -> dict[str, Any]:
    """With vectors of the tiny model's width, in the space of which a direction is added."""
    wide = torch.randn(N, len(LAYERS), len(ROLES), 32, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return given | {"cap": replace(given["cap"], sites={"resid_post": wide}, embed=None)}


RUN_READS = ("record", "settings", "samples", "answers", "probe", "attention", "comparison", "positions", "capture", "status",
             "verify", "summary")  # fmt: skip


def reading(run: interp.Run, name: str) -> Callable[[], Any]:
    def read() -> Any:
        value = getattr(run, name)
        return value() if callable(value) else value

    return read


def parameters(function: Callable[..., Any]) -> tuple[str, ...]:
    from inspect import signature

    return tuple(signature(function).parameters)


def fields_of(cls: type) -> list[str]:
    from dataclasses import fields

    return [field.name for field in fields(cls)]


def interp_settings() -> list[str]:
    from interp.runs.settings import Settings

    return fields_of(Settings)


def without(arguments: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if name not in names}
