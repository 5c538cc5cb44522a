"""The paper's data sets by name: how each is read, asked, judged, and where its exact answers are looked for.

Prompts, rules and token limits follow the code of Orgad et al. (arXiv 2410.02707, github.com/technion-cs-nlp/LLMsKnow);
docs/datasets.md lists where ours differ.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from typing import Any

from interp.data import dataset_records as records
from interp.data.dataset_records import Format
from interp.data.hub import read_hub
from interp.data.readers import read_files
from interp.data.rows import Rows, rows_of
from interp.errors import DataError
from interp.support.arguments import flag, one_of
from interp.support.arguments import path as path_of
from interp.support.public import public


@dataclass(frozen=True)
class Dataset:
    """One data set of the paper; strings name rules of `interp.labelling.correctness` and methods of exact answers."""

    name: str
    published: str
    """Where its file is published."""
    formats: tuple[Format, ...]
    correct: str
    exact_answer: str
    hub: tuple[str, str | None, str] | None = None
    """Path, configuration and split on the Hugging Face hub."""
    chat_prompt: str = "{question}"
    """The user turn, for a tokenizer with a chat template."""
    base_prompt: str = "Q: {question}\nA:"
    """The text a base model continues, up to a line break."""
    max_new_tokens: int = 100
    roles: tuple[str, ...] | None = None
    """Token positions; None: all fifteen."""

    def options(self, *, chat: bool) -> dict[str, Any]:
        """Options of `run` that this data set fills in, for a chat or a base model."""
        return {
            "correct": self.correct,
            "exact_answer": self.exact_answer,
            "max_new_tokens": self.max_new_tokens,
            "roles": self.roles,
            "chat": chat,
            "prompt_template": self.chat_prompt if chat else self.base_prompt,
            "stop": () if chat else ("\n",),
        }


def dataset(name: str) -> Dataset:
    """The data set of that name. Raises DataError naming the known ones."""
    return DATASETS[one_of("dataset", name, DATASETS)]


@public
def load_dataset(
    name: str,
    path: str | PathLike[str] | None = None,
    *,
    limit: int | None = None,
    chat: bool = True,
    skip_unanswerable: bool = False,
) -> Rows:
    """Rows of one of the paper's data sets, from its published file or, without `path`, from the Hugging Face hub.

    `chat=False` words the question as the base form of the prompt needs it (winobias, winogrande). `limit` reads that
    many rows and no further; `skip_unanswerable` is that of `load_rows`.

    Raises DataError for an unknown name, records that are not of a published form (with file and line, the columns
    expected and found), or a hub that cannot be reached.

    >>> from pathlib import Path
    >>> _ = Path("movies.csv").write_text("Question,Answer\\nWho plays Neo in The Matrix?,Keanu Reeves\\n")
    >>> interp.load_dataset("movies", "movies.csv")[0].answers
    ('Keanu Reeves',)
    """
    preset = dataset(name)
    chat, hub = flag("chat", chat), (preset.name, preset.hub, preset.published)
    source = read_hub(*hub) if path is None else read_files(path_of("path", path))
    records = ((where, _fields(preset, where, record, chat)) for where, record in source)
    return rows_of(records, limit=limit, skip_unanswerable=skip_unanswerable)


def _fields(preset: Dataset, where: str, record: Mapping[str, Any], chat: bool) -> dict[str, Any]:
    form = next((form for form in preset.formats if all(column in record for column in form.columns)), None)
    if form is None:
        expected = ", or ".join(" ".join(form.columns) for form in preset.formats)
        raise DataError(f"{where}: {preset.name} has the columns {expected}; found: {' '.join(record) or 'nothing'}")
    try:
        return form.fields(record, chat=chat)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{where}: not a record of {preset.name} as it is published ({preset.published}): "
            f"{type(error).__name__} {error}"
        ) from None


_PAPER = "github.com/technion-cs-nlp/LLMsKnow, data/{}"
_CHAT_WITH_CONTEXT = "{context}\n{question}"
_BASE_WITH_CONTEXT = "Context: {context}\nQ: {question}\nA:"

DATASETS: dict[str, Dataset] = {
    preset.name: preset
    for preset in (
        Dataset(
            "triviaqa",
            published="nlp.cs.washington.edu/triviaqa, unfiltered-web-train.json",
            formats=records.TRIVIAQA,
            hub=("mandarjoshi/trivia_qa", "unfiltered.nocontext", "train"),
            correct="contains",
            exact_answer="extract",
        ),
        Dataset(
            "hotpotqa",
            published="hotpotqa.github.io, hotpot_train_v1.1.json",
            formats=records.HOTPOTQA,
            hub=("hotpotqa/hotpot_qa", "distractor", "train"),
            correct="contains",
            exact_answer="extract",
        ),
        Dataset(
            "hotpotqa_with_context",
            published="hotpotqa.github.io, hotpot_train_v1.1.json",
            formats=records.HOTPOTQA_WITH_CONTEXT,
            hub=("hotpotqa/hotpot_qa", "distractor", "train"),
            correct="contains",
            exact_answer="extract",
            chat_prompt=_CHAT_WITH_CONTEXT,
            base_prompt=_BASE_WITH_CONTEXT,
        ),
        Dataset(
            "natural_questions",
            published=_PAPER.format("nq_wc_dataset.csv"),
            formats=records.NATURAL_QUESTIONS,
            hub=("google-research-datasets/nq_open", None, "train"),
            correct="contains",
            exact_answer="extract",
        ),
        Dataset(
            "natural_questions_with_context",
            published=_PAPER.format("nq_wc_dataset.csv"),
            formats=records.NATURAL_QUESTIONS_WITH_CONTEXT,
            correct="contains",
            exact_answer="extract",
            chat_prompt=_CHAT_WITH_CONTEXT,
            base_prompt=_BASE_WITH_CONTEXT,
        ),
        Dataset(
            "movies",
            published=_PAPER.format("movie_qa_train.csv"),
            formats=records.MOVIES,
            correct="contains",
            exact_answer="extract",
        ),
        Dataset(
            "math",
            published=_PAPER.format("AnswerableMath.csv"),
            formats=records.MATH,
            correct="numeric",
            exact_answer="last_number",
            chat_prompt="{question} Answer shortly.",
            max_new_tokens=200,
        ),
        Dataset(
            "winobias",
            published=_PAPER.format("winobias_dev.csv"),
            formats=records.WINOBIAS,
            correct="choice",
            exact_answer="candidates",
            base_prompt="{question}",
        ),
        Dataset(
            "winogrande",
            published=_PAPER.format("winogrande_train.csv"),
            formats=records.WINOGRANDE,
            hub=("allenai/winogrande", "winogrande_xl", "train"),
            correct="choice",
            exact_answer="candidates",
            base_prompt="The parcel did not fit the locker because the _ was too wide. The blank refers to: parcel\n"
            "Ana lent Ruth an umbrella since _ had none. The blank refers to: Ruth\n"
            "{question} The blank refers to:",
        ),
        Dataset(
            "mnli",
            published=_PAPER.format("mnli_train.csv"),
            formats=records.MNLI,
            hub=("nyu-mll/multi_nli", None, "train"),
            correct="label",
            exact_answer="candidates",
        ),
        Dataset(
            "imdb",
            published="ai.stanford.edu/~amaas/data/sentiment, as rows of text and label (Kaggle: review and sentiment)",
            formats=records.IMDB,
            hub=("stanfordnlp/imdb", None, "train"),
            correct="label",
            exact_answer="candidates",
            chat_prompt="Is this movie review positive or negative? Begin with one of the two words, then explain.\n\n"
            "Review: {question}\nLabel:",
            base_prompt="Movie reviews, each labelled positive or negative.\n\n"
            "Review: I looked at my watch three times before the titles were over.\nLabel: negative\n\n"
            "Review: A small film with a big heart; I have seen it twice and would go again.\nLabel: positive\n\n"
            "Review: {question}\nLabel:",
            roles=(
                "last_q",
                "exact_answer_first",
                "exact_answer_last",
                "exact_answer_after_last",
                *(str(-k) for k in range(8, 0, -1)),
            ),
        ),
    )
}
"""The data sets by name."""
