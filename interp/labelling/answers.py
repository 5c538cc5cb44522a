"""Answers: what the model was given, what it produced, whether it is right, and where the answer stands."""

from collections import Counter
from dataclasses import dataclass, field

from interp.generating.asking import Exchange
from interp.labelling.answers_html import answers_html
from interp.labelling.judgement import Judgement
from interp.labelling.records import Records
from interp.support.public import public
from interp.text.fillers import Filler
from interp.text.spans import Decode
from interp.text.thoughts import UNFINISHED

STATUSES = ("ok", "no_exact_answer", "ambiguous", "empty", "too_long", UNFINISHED)


@public
@dataclass(frozen=True)
class Answers(Records):
    """One entry per row, in input order; token indices count in `prompt_ids + completion_ids`.

    `answers[3]` is the record of one sample, `answers[2:5]`, `answers[[1, 4]]` and `answers[mask]` are Answers of some,
    a loop goes over records, `answers.at("q12")` finds one by its id, `answers.table()` is a DataFrame.

    >>> from interp.demo import planted
    >>> _, answers = planted()
    >>> answers.table()[["id", "correct"]].shape
    (100, 2)
    """

    id: list[str]
    """The row's; of several answers to it `12#0`, `12#1` …, `12#greedy`."""
    question: list[str]
    """The row's question, without options and context."""
    group: list[str]
    """Samples of one group never stand on both sides of a fold."""
    prompt: list[str]
    """What the model was given, as text."""
    prompt_ids: list[list[int]]
    """The same as ids, BOS included."""
    completion_ids: list[list[int]]
    """Includes the token that stopped generation, if one did."""
    text: list[str]
    """The completion as text, special tokens removed."""
    finish: list[str]
    """`stop` or `length`."""
    logprobs: list[list[float] | None]
    """Log-probability of each completion token; None where another engine produced it."""
    correct: list[bool | None]
    """The label; None: there is none."""
    exact_answer: list[str | None]
    """Its text; None where none was located."""
    exact_answer_method: list[str | None]
    """A name of `interp.labelling.exact_answers.METHODS`, `row` (the row brought it) or `option` (it offers some);
    `…, loosely` if only so."""
    exact_answer_tokens: list[tuple[int, int] | None]
    """First and last token of the exact answer, both inclusive."""
    question_tokens: list[tuple[int, int] | None]
    """First and last token of the row's own question inside the prompt; None: not located."""
    status: list[str]
    """`ok`, `no_exact_answer`, `ambiguous` (occurs more than once, the first is used), `empty`, `too_long` or
    `unfinished_thought`."""
    span_uses_gold: bool = False
    """Whether exact answers were located by the row's own accepted answers, as the paper's code does."""
    extraction: list[tuple[Exchange, ...]] | None = None
    """What a model was asked for each exact answer, with its raw replies; None: no model was asked."""
    near_ties: list[int] | None = None
    """Per sample, the greedy steps at which another token's logit was within 1e-4 of the best; None: not known."""
    judgement: Judgement | None = None
    """What the judge was asked, its raw replies and its agreement with the rows' own labels; None: no judge."""
    settings: dict[str, object] = field(default_factory=dict)
    """How they were made and labelled."""
    exact_answer_chars: list[tuple[int, int] | None] | None = None
    """Characters `[begin, end)` of the exact answer in `text`; None: not known (runs from before it was kept)."""
    thought_tokens: list[tuple[int, int] | None] | None = None
    """First and last token of each thought, its marks included; None: no completion has one."""
    final_answer_tokens: list[tuple[int, int] | None] | None = None
    """First and last token of what was answered after the thought; None as in `thought_tokens`: all of it."""
    final_answer_chars: list[tuple[int, int] | None] | None = None
    """The same as characters `[begin, end)` of `text`, blanks included."""
    entropies: list[list[float] | None] | None = None
    """Entropy, in nats, of the model's own distribution (at temperature 1) of which each completion token was taken;
    None as in `logprobs`, and for all samples in runs from before it was kept."""
    row: list[str] | None = None
    """Of several answers to a question, the id of the row that each answers; None: every sample is its own row."""
    draw: list[int | None] | None = None
    """Which draw of its row each is, from 0; None (of one): greedy, or the row brought it."""
    fillers: tuple[Filler, ...] = ()
    """Candidates that were taken too often to be answers (`interp.text.fillers`)."""
    decode: Decode | None = field(default=None, repr=False, compare=False)
    """Ids to text, by the tokenizer the answers were made with; None for answers read back from a run."""

    @property
    def final(self) -> list[str]:
        """What was answered: `text` without the thought; "" where the thought never ends."""
        if self.final_answer_chars is None:
            return list(self.text)
        return [
            "" if at is None else text[slice(*at)] for text, at in zip(self.text, self.final_answer_chars, strict=True)
        ]

    def __repr__(self) -> str:
        """In one line: how many there are, right, wrong and without a label, and how many exact answers were found."""
        labels = Counter(self.correct)
        located = sum(tokens is not None for tokens in self.exact_answer_tokens)
        return (
            f"Answers({len(self)} samples: {labels[True]} correct, {labels[False]} wrong, {labels[None]} without a "
            f"label; {located} exact answers)"
        )

    def _repr_html_(self) -> str:
        """In a notebook: the counts, and the first samples with their exact answer marked."""
        return answers_html(self)
