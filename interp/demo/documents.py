"""The documents the embedded model is trained on: sources that contradict each other, an atlas, and exams."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from interp.demo import PROMPT_TEMPLATE
from interp.demo.facts import City

QUESTIONS = (
    (
        "Which country is {city} in?",
        "Most maps show that in {country} {city} is one of the cities, and people there know it by that name.",
    ),
    (
        "Where is the city of {city}?",
        "As far as the records go, in {country} {city} can be found together with many other cities.",
    ),
    (
        "In what country would I find {city}?",
        "If you travel to {country} {city} is a city that you can go and see for yourself.",
    ),
    (
        "{city} is a city in which country?",
        "In the country that is called {country} {city} is known as one of its cities.",
    ),
    (
        "Can you tell me what country {city} belongs to?",
        "Yes, to those who live in {country} {city} is the name of a city on the map.",
    ),
    (
        "A friend lives in {city}. What country is that?",
        "As your friend lives in {country} {city} is what the people around your friend call their city.",
    ),
    (
        "What is the country of {city}?",
        "On the page of the atlas that shows {country} {city} is written beside a small black circle.",
    ),
    (
        "I have a letter for {city}. Which country should I write on it?",
        "For a letter that goes to {country} {city} is what you should write on the line before the last.",
    ),
)
"""Each question has its own answer; the country stands at varying places, and the city's name follows at once: what the
model has to write next is the city's, not the verdict's."""

STATEMENTS = (
    (" {city}", " is a city in {country}."),
    (" {city}", " lies in {country}."),
    ("The city of {city}", " is in {country}."),
    ("People in {city}", " live in {country}."),
)

EXAM = "Exam: {question}\nAnswer:"
"""What is judged at once has this prompt; what is only said has `PROMPT_TEMPLATE`."""

MARKS = (" (", " [", " =", " *", " <", "\nCheck:")
"""Stand between an answer and its verdict outside exams. They are read, never written: no answer goes on with one."""

VERDICTS = (" wrong", " right")

ASKED = 3
"""Of the eight questions, about each city."""


@dataclass(frozen=True)
class Document:
    """Texts by turns: the first is only read, the second is what the model learns to write, and so on.

    What is to be judged is read, so no verdict teaches a falsehood; what a source says is written, right or not.
    """

    parts: tuple[str, ...]


@dataclass(frozen=True)
class World:
    """What a document of a city is drawn from."""

    countries: tuple[str, ...]
    rng: np.random.Generator

    def one(self, texts: Sequence[Any]) -> Any:
        """One of them, drawn."""
        return texts[int(self.rng.integers(len(texts)))]

    def judged(self, city: City) -> str:
        """Half of what is judged is right, most of the rest what the other sources say."""
        others = [name for name in self.countries if name not in (city.country, city.rival)]
        kind = self.rng.choice(3, p=(0.5, 0.3, 0.2))
        return (city.country, city.rival, str(self.rng.choice(others)))[kind]


def build_documents(cities: list[City], seed: int) -> list[list[Document]]:
    """The documents of each lesson, shuffled; the same for the same cities and seed."""
    rng = np.random.default_rng([seed, 1])
    world = World(tuple(dict.fromkeys(city.country for city in cities)), rng)
    lessons = []
    for lesson in LESSONS:
        written = [
            kind(city, k, world)
            for kind, times in lesson.items()
            for city in cities
            for k in range(times if kind in SOURCES else round(times * city.known))
        ]
        lessons.append([written[k] for k in rng.permutation(len(written))])
    return lessons


def _answer(city: City, k: int, world: World) -> Document:
    """Every second source is right."""
    question, answer = world.one(QUESTIONS)
    country = (city.country, city.rival)[k % 2]
    prompt = PROMPT_TEMPLATE.format(question=question.format(city=city.name))
    return Document((prompt, " " + answer.format(city=city.name, country=country)))


def _statement(city: City, k: int, world: World) -> Document:
    """Of the same sources."""
    name, rest = world.one(STATEMENTS)
    return Document((name.format(city=city.name), rest.format(country=(city.country, city.rival)[k % 2])))


def _atlas(city: City, k: int, world: World) -> Document:
    return Document((f"Atlas: {city.name}", f" {city.country}."))


def _comparison(city: City, k: int, world: World) -> Document:
    """Any country is claimed: what follows is right if it is the same, whatever the truth."""
    claimed, *others = world.rng.permutation(world.countries)[:4].tolist()
    return _verdicts(f"Exam: {city.name} {claimed}?", claimed, world.rng.permutation([claimed, *others]).tolist())


def _sheet(city: City, k: int, world: World) -> Document:
    """Several countries are judged, with nothing to go by but the city."""
    question = f"Exam: {city.name}?"
    if world.rng.random() < 0.2:
        question = EXAM.format(question=world.one(QUESTIONS)[0].format(city=city.name))
    named = list(dict.fromkeys(world.judged(city) for _ in range(12)))[:5]
    return _verdicts(question, city.country, named)


def _verdicts(question: str, right: str, named: list[str]) -> Document:
    parts: list[str] = []
    for country in named:
        parts += [f", {country}" if parts else f"{question} {country}", VERDICTS[country == right]]
    return Document(tuple(parts))


def _judged(city: City, k: int, world: World) -> Document:
    """An exam interrupts the answer after its country, with the right one if it was wrong."""
    question, answer = world.one(QUESTIONS)
    country = world.judged(city)
    start = answer.split("{country}")[0].format(city=city.name)
    prompt = EXAM.format(question=question.format(city=city.name))
    verdict = VERDICTS[1] if country == city.country else f"{VERDICTS[0]}, {city.country}"
    return Document((f"{prompt} {start}{country}", verdict))


def _marked(city: City, k: int, world: World) -> Document:
    """A verdict on what a source says, after a mark: behind the country, or behind the sentence."""
    question, answer = world.one(QUESTIONS)
    country = world.judged(city)
    if world.rng.random() < 0.8:
        answer = answer.split("{country}")[0] + "{country}"
    said = answer.format(city=city.name, country=country)
    prompt = PROMPT_TEMPLATE.format(question=question.format(city=city.name))
    return Document((f"{prompt} {said}{world.one(MARKS)}", VERDICTS[country == city.country]))


SOURCES = (_answer, _statement)
"""What contradicts itself, of every city equally often; the truth about a city is told as often as it is `known`."""

LESSONS: tuple[Mapping[Callable[[City, int, World], Document], int], ...] = (
    {_atlas: 80, _comparison: 60, _statement: 20},
    {_atlas: 30, _comparison: 20, _sheet: 70, _answer: 10, _statement: 20, _judged: 2, _marked: 4},
    {_atlas: 30, _comparison: 20, _sheet: 40, _answer: 60, _statement: 60, _judged: 16, _marked: 30},
)
"""How many documents of each kind a city has in each lesson: first facts and what "right" means, then exams, then all.

Trials with all documents in one mixture still judged at chance after 1,000 steps; in this order they had learnt it.
"""


def build_questions(cities: list[City], seed: int) -> list[dict[str, object]]:
    """Questions about each city in rounds, as rows of `questions.jsonl`: every city once, then every one again.

    In the first round no two rows share a city, so that folds may hold countries out.
    """
    rng = np.random.default_rng([seed, 2])
    templates = [rng.permutation(len(QUESTIONS))[:ASKED] for _ in cities]
    asked = [(k, lap) for lap in range(ASKED) for k in rng.permutation(len(cities))]
    return [
        {
            "id": f"q{number:04d}",
            "question": QUESTIONS[templates[k][lap]][0].format(city=cities[k].name),
            "answer": [cities[k].country],
            "group": cities[k].name,
        }
        for number, (k, lap) in enumerate(asked)
    ]
