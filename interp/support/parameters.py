"""Every parameter of the public functions: its group, and one sentence that holds for it wherever it is taken.

A name means one thing in all functions; where it does not, the exception is written `function.name` beside the plain
entry, of several functions `one|other.name`.
`help` of a public function and docs/reference/ print its parameters by these groups, in this order.
"""

from collections.abc import Callable, Iterator
from inspect import cleandoc, signature
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])

GROUPS: dict[str, dict[str, str]] = {
    "what goes in, where it comes out": {
        "model": "the language model: hooked already, or what `load_model` takes where rows are answered",
        "fit_probe.model": "SHA-256 of the weights of the model that the vectors are of; kept with the probe",
        "source": "where the rows are read from: a file, a folder, a pattern, or Python objects",
        "load_model.source": "the model: a Hugging Face name, a folder, a GGUF file, or a model that is loaded already",
        "data": "what is probed: a Capture, a Run that brings everything else too, or a bare array",
        "run|plan.data": "the rows: a file, a folder, a pattern, or Python objects, as `load_rows` takes them",
        "resume.data": "the rows, needed again only if they were given as Python objects",
        "grid_table.data": "a grid, a difference of grids, or a run or its folder",
        "FittedProbe.score|FittedProbe.probability.data": "the vectors: a Capture or a Run, at the probe's cell, or an "
        "array",
        "rows": "the questions: a list of QARow, or what `load_rows` reads",
        "answers": "the Answers, matched by sample id with what stands beside them",
        "FittedProbe.score_tokens.answers": "whose tokens are scored: an Answers, whose ids are taken as they are, or "
        "texts",
        "error_types|choose_answers.answers": "the Answers, or a Run, with several drawn answers to each question",
        "logit_attribution.answers": "the Answers, or a Run, whose exact answers' logits are taken apart",
        "lens_grid.cap": "the Capture with site `resid_post`, or a Run that brings everything else too",
        "lens_grid|logit_attribution.model": "the model that answered; None: a run's own, loaded again",
        "lens_grid|logit_attribution.rows": "the questions, with the right answers; None: a run's own, read again",
        "sampled": "Answers or a Run of the same rows that holds the drawn answers; None: `answers` does",
        "scores": "methods of your own: {name: {sample id: score}}, or a function (answers, cap) → one score a sample",
        "cap": "the Capture, or a Run that brings it with labels, groups and folds",
        "cache": "what `model.run_with_cache` returned for the samples, in their order",
        "token_ids": "the token ids of every sample, as the pass was given them, padded or not",
        "states": "what the model returned with `output_hidden_states`, or arrays by layer or by sample",
        "attentions": "what it returned with `output_attentions`, block after block; None: no attention metrics",
        "attention_mask": "1 at tokens, 0 at padding, sample × token; None: nothing is padded",
        "capture_from_files.source": "the folders or files that vLLM or SAELens wrote",
        "pattern": "post-softmax attention of one layer, sample × head × query × key",
        "attention_metrics.value": "the layer's values, `cache['v', layer]`; with `W_O` they give `value_norm`",
        "W_O": "the layer's output weight, head × d_head × d_model",
        "detectors.grid": "the probe grid made of the Capture and the answers; of a run its own",
        "detectors.model": "the model that answered; None: a run's own, loaded if needed; False: none",
        "grid": "the grid, or a run or its folder, whose probe grid is taken",
        "grids": "the grids, by name; a run or its folder stands for its probe grid",
        "runs": "the runs, at least two of one model; with `by` one, which is taken apart",
        "attention": "the attention grid, from which each cell's width is taken",
        "compare_grids.probe": "the first grid, from which the second is subtracted",
        "join_grids.probe": "the first grid",
        "save_probe.probe": "the FittedProbe that is written",
        "feature_cosines.probe": "the FittedProbe whose direction is compared",
        "feature_cosines.folder": "the SAE, as SAELens stores it: cfg.json and sae_weights.safetensors",
        "folder": "a folder on this disk, which holds one probe",
        "attn": "the second grid, of the same samples, layers and roles",
        "names": "what the first and the second grid are called",
        "stored": "a comparison as `to_dict` gave it",
        "Capture.to_xarray.names": "which arrays: sites, attention metrics, `embed`, `question_embed`; None: all",
        "RunSample.attention|RunSample.show_attention.model": "the model that the run was given in Python; None: the "
        "run's own, loaded again",
        "parts": "Captures of different samples, with the same layers, roles, sites and metrics",
        "path": "the data set's published file; None: the Hugging Face hub",
        "save_probe.path": "the file that is written, with .safetensors and .json beside each other",
        "load_probe.path": "the file that `save_probe` wrote",
        "Comparison.read.path": "a run's comparison.json",
        "out": "the run's folder",
    },
    "the questions": {
        "dataset": "a name in `DATASETS`, which fills in prompt, rules and limits that are not given",
        "name": "a name in `DATASETS`",
        "columns": "fields of a row → columns of the data, where those have other names",
        "limit": "how many rows are read, from the first on; None: all",
        "skip_unanswerable": "whether rows without an accepted answer are left out, counted; else they stop the file",
    },
    "the prompt and the completion": {
        "prompt_template": "text with `{question}`, if needed `{context}` and `{options}`; None: the bare question",
        "chat": "whether questions are put as turns of a chat; None: where the tokenizer has a template, and no "
        "`prompt_template` is given",
        "chat_options": "variables of the chat template, as {'enable_thinking': False}",
        "prompt_date": "the day, YYYY-MM-DD, that a chat template is told which asks the clock",
        "tokenizer": "the tokenizer, where the model or the answers do not bring theirs",
        "max_new_tokens": "the most tokens of one completion",
        "stop": "texts after which a completion ends",
        "temperature": "0: the likeliest token; above: tokens are drawn",
        "top_p": "tokens are drawn from the smallest set with this mass",
        "samples_per_question": "how many answers every question gets, as entries `12#0`, `12#1` … of one group",
        "greedy_too": "whether the greedy answer stands beside the drawn ones, as `12#greedy`",
        "log": "the answers so far, on disk: batches that it holds are not generated again",
    },
    "labels and exact answers": {
        "y": "the labels: an Answers, matched by id, or 1 right, 0 wrong, None unknown for every sample, by order",
        "correct": "what is right: the name of a rule, or a function (row, completion) → bool or None; a row's own "
        "`correct` wins",
        "judge": "the model, its name, or the function str → str, that is asked whether a completion is right",
        "prompt": "what the judge is asked, with `{question}`, `{completion}` and, if it is told them, `{answers}`",
        "hand_labels": "labels by hand, {id: right}, with which the judge's are compared",
        "exact_answer": "the method that locates it; None: in a run chosen from the data, else `candidates`",
        "candidates": "the texts that the method `candidates` looks for; None: every accepted answer of the rows",
        "default_candidates": "what is taken, without fillers, where `candidates` is not given",
        "answer_pattern": "the regular expression of the method `pattern`; its one group is the exact answer",
        "no_answer": "exact answers that say that there is none, compared as answers are",
        "same": "makes a text of an exact answer, equal where answers are; None: as the rule compares them",
        "error_types|choose_answers.correct": "the name of the rule that labelled them, by which equal ones are merged",
        "consistent": "the share of a question's draws from which an answer is consistent",
        "many": "the share of a question's draws that are many distinct answers",
        "close": "the share of a question's draws by which two competing answers may differ",
        "extractor": "the model, its name, or the function, that the method `extract` asks; None: the answering model",
    },
    "who takes part": {
        "groups": "samples of one group share a fold: a name or number each, or an Answers; None: every sample its own",
        "population": "`exact_answer`: labelled samples that have one; `all`: every labelled sample",
        "folds": "how many folds; every sample is scored by the probe that did not see its fold",
        "FittedProbe.score_tokens.fold": "the number of each sample's fold, whose own probe scores it; -1: the "
        "probe of all samples does",
        "FittedProbe.score_tokens.tokens": "which tokens have a score: `completion`, or `all`, those of the prompt too",
        "fold": "the number of each sample's fold, -1: takes no part; replaces `population` and `folds`",
        "valid": "which samples have which role, sample × role; None: those of the Capture, or all",
        "ids": "the samples' names, one each, where the array or cache does not bring them",
        "by": "takes one run apart: `template`, by its questions' templates, or by the label of every sample",
        "across_models": "whether runs of different models may be given, if their vectors are equally wide",
        "min_per_class": "a cell with fewer right or fewer wrong samples than that is undefined, with the reason",
        "n_samples": "how many samples, drawn by shuffling, the paper's code splits; None: all",
        "seed": "of everything drawn: folds, resamples, permutations, answers",
    },
    "which cells": {
        "positions": "the Positions: which token of every sample each role names",
        "sites": "the hook points whose vectors are kept at every layer, as `resid_post`; a run probes the first",
        "probe_grid.site": "the one site whose vectors are probed; `sae:FOLDER`: the features of SAELens's SAEs there",
        "site": "the one site whose vectors are probed; None: the first that was captured",
        "capture_from_hidden_states|capture_from_files.positions": "an Answers, whose roles are resolved and whose "
        "states are found by their tokens; or Positions, in the order of the states",
        "capture_from_hidden_states.site": "the hook point that the states are of",
        "capture_from_hidden_states.layers": "the block after which each entry stands, from 0, or `embed`; None: as "
        "Hugging Face gives them",
        "capture_from_files.layers": "of vLLM's files, the block after which each state stands, from 0, or `embed`",
        "final_norm": "whether the last of Hugging Face's states went through the final norm, and is left out",
        "layers": "the layers: of a Capture chosen, of a bare array named; None: all",
        "compare_runs.layers": "`same`: layer by layer; `depth`: each layer with the one of nearest relative depth",
        "roles": "the token positions: of a Capture or array chosen or named; None: all",
        "run|plan.roles": "{name: rule}: columns besides the fifteen",
        "resume.roles": "{name: function}: the columns' rules that were given as Python objects",
        "resolve_positions.roles": "the columns: names of roles; or {name: rule}, columns besides the fifteen",
        "pooling": "`mean`, `max` or `min` over the tokens of each span, one for all or one per role",
        "layer": "the number of the block, from 0",
        "cell": "the (layer, role) of the probe; None: the best cell, chosen without the fold that it scores (of "
        "`transfer`: the source's)",
        "merged": "whether B1 and B2, C1 and C2, E1 and E2 are one type each",
        "role": "the name of the token position",
        "token": "the name of the cell's token position",
        "detectors.cell": "(layer, role) of the fixed cell; None: the exact answer's last token, middle layer",
        "index": "the tokens' places in their samples, counted from 0",
        "n_tokens": "how many tokens each sample has, prompt and completion",
        "n_prompt": "how many of them are the prompt's; None: all",
        "position": "the tokens at which the stream is changed: one or a slice for all, or one each; default: all",
        "padding_side": "`right` or `left`, the side on which the batch was padded",
        "window": "the layer's sliding window in tokens; None: full causal attention",
        "sample": "one sample, as a rule of a role sees it",
        "Run.sample.sample": "the sample: its place in the run, from 0, or its id",
        "Run.best.grid": "which of the run's grids: `probe` or `attention`",
        "RunSample.attention.role": "the name of the token position that attends, or several",
        "RunSample.attention.layer": "the number of the block, from 0; `mean` over all; None: all, on an axis",
        "RunSample.show_attention.layer": "the number of the block, from 0, or `mean` over all",
        "RunSample.attention.head": "the number of the head, from 0; `mean` over all; None: all, on an axis",
        "RunSample.show_attention.head": "the number of the head, from 0, or `mean` over all",
        "embed": "whether the control row `embed` is computed and drawn",
    },
    "the probe": {
        "probe": "the estimator: a name in `PROBES` or, in Python's grids, any scikit-learn one; None: as the grid's",
        "C": "inverse strength of the probe's penalty; several, or `cv`: chosen by inner folds",
        "components": "width of `pca-lr`, one for all cells or one per cell",
        "transform": "how attention metrics are read: as they are, or with their logarithms beside them",
        "nested": "whether `choice_auc` is computed, by which the best cell is chosen without the fold that scores it",
        "rates": "false-positive rates at which recall is told",
        "alpha": "how far the state is moved along the unit direction, in the residual stream's own unit",
    },
    "what is put in": {
        "outcome": "what an intervention is judged by: `answer`, `judgement`, or a function of the logits",
        "question": "what is asked behind a sample's text, for `judgement` or a function; None: the fixed one, or none",
        "pairs": "at most how many pairs of a right and a wrong sample; None: all that can be made",
        "match": "`offsets`: roles equally far from the exact answer in both samples; `roles`: the same roles",
        "patch_grid.site": "the site whose states are put in: `resid_post`, `attn_out`, `mlp_out` or `z`",
        "head": "of `z`, the one head that is put in; None: all together",
        "method": "`exact`: a pass for every cell; `attribution`: to first order, from one gradient a sample",
        "patch_grid.controls": "what else is put in: `same_label`, `random_direction`, `scrambled_weights`",
        "flips": "draws of the blocks' signs, behind the p values",
        "dose_response.cell": "the (layer, role) that is pushed; None: the probe's highest that can matter",
        "doses": "steps along the direction, in standard deviations of the samples' projection on it",
        "draws": "how many directions each placebo has",
    },
    "what is computed, and how fast": {
        "only": "names of the built-in detectors that are wanted; None: all",
        "detectors": "your own, {name: function of (answers, capture)}: a score per sample, by order or by id",
        "p_true_prompt": "how P(True) is asked, with `{question}`, `{answer}`, `{first}` and `{second}`",
        "entailment": "a model of natural language inference, by name or folder: semantic entropy by what entails what",
        "permutations": "of the labels, how many; 0: none",
        "statistic": "what is permuted: the AUC of `ridge` (fast), or of `logistic` refitted every time",
        "resamples": "bootstrap draws of the groups, behind the intervals",
        "controls": "whether the controls are computed",
        "time": "whether a few rows are tried, to say how long a run would take; else no weights are read",
        "processed_weights": "whether TransformerLens folds norms and centres weights; else they are Hugging Face's",
        "check": "whether the model is tried first, on a few tokens, and refused in a sentence if it does not fit",
        "device": "where it is computed: `cpu`, `cuda`, `cuda:1` …, `mps`; a model also `auto`, or `spread` over GPUs",
        "dtype": "numbers of the weights and states: `float32`, `bfloat16` or `float16`",
        "batch_tokens": "the most padded tokens of one batch",
        "splits": "where it is noted which batches ran in halves because they did not fit into memory",
        "n_jobs": "how many workers, -1: one per core; None: as many as pay",
        "progress": "called with the number of steps just finished",
        "run|resume.progress": "whether progress bars are shown",
    },
    "drawing": {
        "first": "the left grid; a run alone stands for its two grids and their comparison",
        "second": "the grid in the middle, which is subtracted",
        "comparison": "the Comparison of the two, whose ΔAUC and q values are drawn",
        "selective": "what `interp.selective` returned, or what it takes",
        "value": "the variable that is drawn",
        "metric": "the name of the attention metric",
        "FittedProbe.save_pretrained.controls": "what the card says beside the AUC: what `control_grid` returned, its "
        "table, or a Run; None: that there are none",
        "base_model": "the name of the model on its hub, for the card",
        "feature_cosines.limit": "how many features are listed, the nearest first; None: all",
        "plot_grid.controls": "rows above the grid: {name: one AUC per token}",
        "width": "of a new figure: inches, or `column` or `page` of print; None: as wide as the grid needs",
        "title": "stands above the picture; None: what it shows",
        "ax": "where it is drawn; None: a new figure",
        "colorbar": "whether the colours are explained",
    },
}  # fmt: skip

HEADING = "Parameters, by group:"


def entries() -> Iterator[tuple[str, str, str, str]]:
    """Every entry of the table: function ("" for all others), name, group, sentence."""
    for group, told in GROUPS.items():
        for key, sentence in told.items():
            functions, _, name = key.rpartition(".")
            yield from ((function, name, group, sentence) for function in functions.split("|"))


_TOLD = {(function, name): (group, sentence) for function, name, group, sentence in entries()}


def told(function: str, name: str) -> tuple[str, str] | None:
    """Group and sentence of a parameter of a function (`probe_grid`, `Positions.at`); None if the table lacks it."""
    return _TOLD.get((function, name)) or _TOLD.get(("", name))


def by_group(function: Callable[..., Any]) -> dict[str, dict[str, str]]:
    """The parameters of a function, as `help` shows them, with their sentences, under the groups that they are of."""
    found: dict[str, dict[str, str]] = {}
    for name in signature(function).parameters:
        if entry := told(function.__qualname__, name):
            found.setdefault(entry[0], {})[name] = entry[1]
    return {group: found[group] for group in GROUPS if group in found}


def explained(function: Function) -> Function:
    """The function, with its parameters by group at the end of its text; what stood there of that kind is replaced."""
    text = cleandoc(function.__doc__ or "").partition(f"\n\n{HEADING}\n")[0]
    lines = []
    for group, parameters in by_group(function).items():
        lines += [f"    {group}", *(f"        {name}: {sentence}" for name, sentence in parameters.items())]
    function.__doc__ = "\n".join([f"{text}\n", HEADING, *lines]) if lines and text else function.__doc__
    return function
