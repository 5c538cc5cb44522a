"""The paper's code, that of Orgad et al., decision for decision: so a difference can be traced to one choice.

Nothing here is used by the default path. github.com/technion-cs-nlp/LLMsKnow (MIT) was read, not copied;
docs/paper_preset.md lists every decision, what we do instead, and its effect on a real run.

    answers = paper_answers(model, rows, dataset="movies")
    positions = paper_positions(answers)
    cap = capture(model, answers, positions, sites=("mlp_post",))
    grid = paper_grid(cap, answers)
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float, Int
from typing_extensions import Unpack

from interp.capturing.activations import Capture
from interp.capturing.positions import Positions, positions_at
from interp.capturing.roles import ROLES
from interp.data.datasets import dataset as dataset_named
from interp.data.rows import QARow, as_rows
from interp.errors import DataError
from interp.experiments.orgad.labels import N_SAMPLES, by_gold, paper_split, substring_match
from interp.generating.chat import DATE, has_template
from interp.generating.prompts import PromptFormat, decoder
from interp.generating.sampling import check_samples, sampled_rows
from interp.grids.variables import PAPER, returns
from interp.labelling.answer_options import AnswerOptions
from interp.labelling.answers import Answers
from interp.labelling.correctness import check_rule_name
from interp.labelling.generate_answers import generate_answers
from interp.models.loading import HookedModel, model_tokenizer
from interp.support.arguments import flag, instance, one_of, progress_function, seed_number
from interp.support.public import public
from interp.support.shown_options import defaults_of, shows_options


@public
@shows_options(AnswerOptions, defaults_of(generate_answers) | {"exact_answer": "candidates"})
def paper_answers(
    model: HookedModel,
    rows: Sequence[QARow],
    *,
    dataset: str | None = None,
    seed: int = 0,
    **given: Unpack[AnswerOptions],
) -> Answers:
    """Greedy answers, labelled and located as the paper's code does it.

    A chat prompt ends without the header of the model's turn; correct is a substring match; the exact answer of a right
    sample is found by the gold string, of a wrong one by the method in `options` (the paper asks a model; default:
    candidates), and samples with equal prompts share one span. `options` are those of `generate_answers`; `dataset`
    fills in its own.

    >>> from interp import demo
    >>> model, rows = interp.load_model(demo.model_path()), interp.load_rows(demo.questions_path(), limit=4)
    >>> answers = interp.paper_answers(model, rows, prompt_template=demo.PROMPT_TEMPLATE, max_new_tokens=64)
    >>> answers.span_uses_gold
    True
    """
    options: dict[str, Any] = {**given}
    tokenizer, seed = model_tokenizer(model), seed_number(seed)
    chat = options.pop("chat", None)
    chat = has_template(tokenizer) if chat is None else flag("chat", chat)
    if dataset is not None:
        form = dataset_named(dataset).options(chat=chat)
        options = {key: form[key] for key in ("prompt_template", "stop", "max_new_tokens", "correct")} | options
    rule = options.pop("correct", "contains")
    check_rule_name(rule)
    greedy_too = options.get("greedy_too", False)
    samples = check_samples(options.get("samples_per_question", 1), options.get("temperature", 0.0), greedy_too)
    rows = as_rows(rows)
    if chat:
        written = PromptFormat(
            options.get("prompt_template"), True, options.pop("chat_options", None), options.get("prompt_date", DATE)
        )
        rows = [replace(row, prompt=written.chat_text(row, tokenizer, generate=False).text) for row in rows]
    labels = {answer for row in rows for answer in row.answers} if rule == "label" else ()

    def correct(row: QARow, completion: str) -> bool | None:
        return substring_match(row, completion, rule, labels)

    options = {"exact_answer": "candidates"} | options
    answers = generate_answers(model, rows, chat=False, correct=correct, **options)
    asked = sampled_rows(rows, samples, greedy_too=greedy_too)
    return by_gold(answers, asked, decoder(tokenizer), numeric=rule == "numeric", seed=seed)


@public
def paper_positions(answers: Answers) -> Positions:
    """The fifteen positions as the paper's code indexes them.

    `exact_answer_after_last` clamps to the last token; `-k` counts back whatever is there, also into the prompt. A
    position past the end of the sequence, where that code stops with an IndexError, is absent.

    >>> from interp.demo import planted
    >>> _, answers = planted()
    >>> interp.paper_positions(answers).index.shape
    torch.Size([100, 15])
    """
    instance("answers", answers, Answers, "they come from paper_answers or generate_answers")
    index = []
    for prompt, completion, span in zip(
        answers.prompt_ids, answers.completion_ids, answers.exact_answer_tokens, strict=True
    ):
        n_prompt, n = len(prompt), len(prompt) + len(completion)
        exact = [-1] * 4 if span is None else [span[0] - 1, span[0], min(n - 1, span[1]), min(n - 1, span[1] + 1)]
        row = [n_prompt - 1, n_prompt, n_prompt + 1, *exact, *range(n - 8, n)]
        index.append([token if 0 <= token < n else -1 for token in row])
    return positions_at(answers, index, ROLES, None)


@returns(PAPER)
@public
def paper_grid(
    cap: Capture,
    answers: Answers,
    *,
    site: str = "mlp_post",
    seed: int = 0,
    n_samples: int | None = N_SAMPLES,
    progress: Callable[[int], None] | None = None,
) -> xr.Dataset:
    """AUC on the held-out fifth, per (layer, token): `LogisticRegression(random_state=seed)` on unscaled vectors.

    Samples without label or exact answer are left out after the split. Also `unconverged` (the solver stopped at its
    100 iterations), `n_train` and `n` (held out). A cell without both classes on both sides is NaN.

    Samples are found by their ids. Raises DataError for a site that was not captured, or an answer that was not.

    >>> from interp.demo import planted
    >>> cap, answers = planted()
    >>> grid = interp.paper_grid(cap, answers, site="resid_post")
    >>> int(grid.n.max())  # one held-out fifth
    20
    """
    instance("answers", answers, Answers, "they come from paper_answers or generate_answers")
    vectors = instance("cap", cap, Capture, "it comes from interp.capture").sites[one_of("site", site, cap.sites)]
    progress, seed, place = progress_function(progress), seed_number(seed), {name: i for i, name in enumerate(cap.id)}
    if absent := [name for name in answers.id if name not in place]:
        raise DataError(f"cap: {len(absent)} of {len(answers)} answers were not captured, first {absent[0]!r}")
    rows = [place[name] for name in answers.id]
    usable = np.array(
        [y is not None and s is not None for y, s in zip(answers.correct, answers.exact_answer_tokens, strict=True)]
    )
    y = np.array([bool(label) for label in answers.correct], dtype=np.int64)
    train, held_out = (part[usable[part]] for part in paper_split(len(answers), seed=seed, n_samples=n_samples))
    shape = len(cap.layers), len(cap.roles)
    auc, unconverged = np.full(shape, np.nan), np.zeros(shape, bool)
    counts = np.zeros((2, *shape), np.int64)
    for i in range(shape[0]):
        for j in range(shape[1]):
            x = vectors[rows, i, j].float().numpy()
            there = np.isfinite(x).all(1)
            parts = train[there[train]], held_out[there[held_out]]
            counts[:, i, j] = [len(part) for part in parts]
            auc[i, j], unconverged[i, j] = held_out_auc(x, y, *parts, seed=seed)
            if progress is not None:
                progress(1)
    dims = ("layer", "token")
    return xr.Dataset(
        {
            "auc": (dims, auc),
            "unconverged": (dims, unconverged),
            "n_train": (dims, counts[0]),
            "n": (dims, counts[1]),
        },
        coords={"layer": list(cap.layers), "token": list(cap.roles)},
        attrs={"preset": "paper", "site": site, "seed": seed, "span_uses_gold": int(answers.span_uses_gold)},
    )


def held_out_auc(
    x: Float[np.ndarray, "sample width"],
    y: Int[np.ndarray, " sample"],
    train: Int[np.ndarray, " train"],
    held_out: Int[np.ndarray, " held_out"],
    *,
    seed: int = 0,
) -> tuple[float, bool]:
    """AUC of the paper's probe on the held-out samples, and whether its solver stopped early."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score

    if min(len(np.unique(y[train])), len(np.unique(y[held_out]))) < 2:
        return float("nan"), False
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        probe = LogisticRegression(random_state=seed).fit(x[train], y[train])
    early = any(issubclass(warning.category, ConvergenceWarning) for warning in caught)
    return float(roc_auc_score(y[held_out], probe.predict_proba(x[held_out])[:, 1])), early
