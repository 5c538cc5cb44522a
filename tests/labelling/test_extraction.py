"""Exact answers by asking a model: its reply must stand in the completion, it is asked again if it does not."""

import pytest

import interp
from interp.errors import DataError
from interp.labelling.extraction import NO_ANSWER, PROMPTS, extraction_counts, extractor, reply_spans

QUESTIONS = ["Who wrote Emma?", "How far?", "Why?", "Where?", "Which?"]
TEXTS = ["It was Jane Austen, I think.\0", "About 12 km, or 12 miles.", "I do not know {this}.", "", "In Zu\u0308rich."]


class Scripted:
    """A model that gives set replies, one list per prompt variant, and remembers what it was asked."""

    def __init__(self, *rounds: dict[str, str]) -> None:
        self.rounds, self.asked = rounds, []

    def __call__(self, prompt: str) -> str:
        self.asked.append(prompt)
        number = next(i for i, form in enumerate(PROMPTS) if prompt.startswith(form[:40]))
        shown = next(text.replace("\0", "") for text in TEXTS if text and text.replace("\0", "") in prompt)
        return self.rounds[number][shown]


FIRST = {
    "It was Jane Austen, I think.": ' "jane austen".\nQuestion: next',
    "About 12 km, or 12 miles.": "twelve",
    "I do not know {this}.": "No answer.",
    "In Zu\u0308rich.": "Zurich",
}
SECOND = {"About 12 km, or 12 miles.": "12", "In Zu\u0308rich.": "Bern"}


def test_replies_are_found_retried_or_given_up() -> None:
    model = Scripted(FIRST, SECOND)
    found = extractor(model)(QUESTIONS, TEXTS)
    said = [[TEXTS[i][a:b] for a, b in one.spans] for i, one in enumerate(found)]
    assert said == [["Jane Austen"], ["12", "12"], [], [], []]
    assert [[exchange.reply for exchange in one.asked] for one in found] == [
        [' "jane austen".\nQuestion: next'],
        ["twelve", "12"],
        ["No answer."],  # stands: not asked again
        [],  # an empty completion is not asked for
        ["Zurich", "Bern"],
    ]
    assert len(model.asked) == 6
    counts = extraction_counts([one.asked for one in found])
    assert counts == {"asked": 4, "asked_again": 2, "no_answer": 1, "too_long": 0}


def test_the_prompt_shows_question_and_completion_and_nothing_else() -> None:
    found = extractor(Scripted(FIRST, SECOND))(QUESTIONS, TEXTS)
    for question, text, one in zip(QUESTIONS, TEXTS, found, strict=True):
        for exchange, form in zip(one.asked, PROMPTS, strict=False):
            assert exchange.prompt == form.format(question=question, completion=text.replace("\0", ""))
    assert all("{question}" in form and NO_ANSWER in form for form in PROMPTS)


@pytest.mark.parametrize(
    ("reply", "text", "said"),
    [
        ("paris", "PARIS is it", "PARIS"),
        ("Short answer: Paris", "It is Paris", "Paris"),  # echoes the marker of our prompt
        ("Answer: Paris", "It is Paris", "Paris"),
        ("Pari", "It is Paris", None),
        ("zürich", "In ZU\u0308RICH.", "ZU\u0308RICH"),
        ("ﬁsh", "A FISH", "FISH"),
        ("", "It is Paris", None),
        ("\n\n", "It is Paris", None),
        (None, "It is Paris", None),
    ],
)
def test_where_a_reply_stands(reply: str | None, text: str, said: str | None) -> None:
    spans = reply_spans(reply, text)
    assert (None if spans is None else text[slice(*spans[0])]) == said
    assert reply_spans(" no  answer".replace("  ", " "), text) == []


def test_prompts_are_checked() -> None:
    with pytest.raises(DataError, match="lacks {completion}"):
        extractor(str.upper, prompts=["{question}"])
    with pytest.raises(DataError, match="must not name {answers}"):
        extractor(str.upper, prompts=["{question} {completion} {answers}"])
    with pytest.raises(DataError, match="at least one"):
        extractor(str.upper, prompts=[])


def test_answers_keep_what_was_asked(llama) -> None:
    rows = [
        interp.QARow("a", "Who wrote Emma?", ("Austen",), completion=" It was Jane Austen."),
        interp.QARow("b", "Where?", ("Rome",), completion=" I do not know."),
        interp.QARow("c", "Where?", ("Rome",), completion=" In Rome.", exact_answer="Rome"),
    ]

    def last_word(prompt: str) -> str:
        word = prompt.rsplit("\n", 2)[1].rstrip(".").split()[-1]
        return NO_ANSWER if word == "know" else word

    answers = interp.generate_answers(llama, rows, exact_answer="extract", extractor=last_word)
    assert answers.exact_answer == ["Austen", None, "Rome"]
    assert answers.exact_answer_method == ["extract", None, "row"]
    assert [len(asked) for asked in answers.extraction] == [1, 1, 0]
    assert interp.generate_answers(llama, rows).extraction is None


def test_a_hooked_model_is_asked_with_every_prompt_and_repeats_itself(llama) -> None:
    """A random model's replies are noise, but the same noise again."""
    locate = extractor(llama, prompts=["{question} {completion}", "{completion} {question}"], max_new_tokens=4)
    first, again = (locate(QUESTIONS[:2], TEXTS[:2]) for _ in range(2))
    assert first == again and [len(one.asked) for one in first] == [2, 2]
    assert all(isinstance(exchange.reply, str) for one in first for exchange in one.asked)


def test_by_default_the_model_itself_is_asked(llama) -> None:
    """The tiny model's context is shorter than the few-shot prompts, and the error says so of it."""
    rows = [interp.QARow("a", "Where?", ("Rome",), completion=" In Rome, Italy.")]
    with pytest.raises(DataError, match="none of 1 prompts .* fits the context of the model asked, 256"):
        interp.generate_answers(llama, rows, exact_answer="extract")
