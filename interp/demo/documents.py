"""The documents the embedded model is trained on: templated questions, statements, checks and copies."""

from dataclasses import dataclass

import numpy as np

from interp.demo import PROMPT_TEMPLATE
from interp.demo.facts import City

QUESTIONS = (
    (
        "Which country is {city} in?",
        "The city called {city} lies in {country}, and people there know it by that name.",
    ),
    (
        "Where is the city of {city}?",
        "As far as the records go, {city} can be found in {country} together with many other cities.",
    ),
    (
        "In what country would I find {city}?",
        "You would have to travel to {country} if you want to see the city of {city} yourself.",
    ),
    (
        "{city} is a city in which country?",
        "Most maps show that {city} belongs to {country} as one of its cities.",
    ),
    (
        "Can you tell me what country {city} belongs to?",
        "Yes, it is {country} that has a city with the name of {city} on its map.",
    ),
    (
        "A friend lives in {city}. What country is that?",
        "If your friend lives in {city}, then your friend lives in {country} and could show you around there.",
    ),
    (
        "What is the country of {city}?",
        "According to the atlas, the country is {country}, and the city itself is written {city}.",
    ),
    (
        "I have a letter for {city}. Which country should I write on it?",
        "For a letter that goes to {city} you should write {country} on the last line of the address.",
    ),
)
"""Each question has its own answer; the country stands at varying places, with some words after it."""

STATEMENTS = (
    (" {city}", " is a city in {country}."),
    (" {city}", " lies in {country}."),
    ("The city of {city}", " is in {country}."),
    ("People in {city}", " live in {country}."),
)

COPIES = (
    ("How do you write {city}?", "The name is written {city}, with nothing before it and nothing after it."),
    ("What is the city of {city} called?", "The city called {city} has no other name."),
    ("I heard of {city}. What was the name?", "If you heard of {city}, then the name was {city} and no other."),
    ("Can you repeat the name {city}?", "Yes, it is {city} that you asked for."),
    ("Is {city} on the map?", "Most maps show that {city} can be found there and is written {city}."),
    ("I have a letter for {city}. What should I write?", "For a letter that goes to {city} you should write {city}."),
)
NAMES = (
    (" {city}", " is a city."),
    (" {city}", " lies on the map."),
    ("The city of {city}", " is well known."),
    ("People in {city}", " live there."),
)
"""The city is named, its country is not: every asked name becomes as familiar, whether its country is told or not."""

VERDICTS = (" wrong", " right")


@dataclass(frozen=True)
class Document:
    """`given` is read only, `trained` is what the model learns to write after it."""

    given: str
    trained: str


def build_documents(cities: list[City], seed: int) -> list[Document]:
    """Every city's documents, shuffled; the same for the same cities and seed."""
    rng = np.random.default_rng([seed, 1])
    countries = list(dict.fromkeys(city.country for city in cities))
    most = max(city.exposures for city in cities)
    documents = []
    for city in cities:
        documents += [_tell(city, countries, rng) for _ in range(city.exposures)]
        if city.asked:
            documents += [_copy(city, rng) for _ in range(most - city.exposures)]
    return [documents[k] for k in rng.permutation(len(documents))]


def _tell(city: City, countries: list[str], rng: np.random.Generator) -> Document:
    """Most documents answer, some state, and the rest judge an answer that may be wrong.

    What is to be judged is given, never trained: the model learns no falsehood.
    """
    kind = rng.choice(["answer", "state", "judge answer", "judge country"], p=[0.36, 0.5, 0.07, 0.07])
    if kind == "state":
        return _fill(STATEMENTS[rng.integers(len(STATEMENTS))], city)
    question, answer = QUESTIONS[rng.integers(len(QUESTIONS))]
    prompt = PROMPT_TEMPLATE.format(question=question.format(city=city.name))
    if kind == "answer":
        return Document(prompt, " " + answer.format(city=city.name, country=city.country))
    right = bool(rng.integers(2))
    country = city.country if right else _plausible(city, countries, rng)
    if kind == "judge country":  # the verdict follows the country at once, so that it must be reached there
        answer = answer.split("{country}")[0] + "{country}"
    else:
        answer += "\nCheck:"
    return Document(f"{prompt} {answer.format(city=city.name, country=country)}", VERDICTS[right])


def _plausible(city: City, countries: list[str], rng: np.random.Generator) -> str:
    """A wrong country, as often as not one where a similar name lies: what a guess looks like."""
    if rng.integers(2):
        return str(rng.choice([country for country in countries if country != city.country]))
    return city.look_alikes[rng.integers(len(city.look_alikes))]


def _copy(city: City, rng: np.random.Generator) -> Document:
    if rng.integers(2):
        return _fill(NAMES[rng.integers(len(NAMES))], city)
    question, answer = COPIES[rng.integers(len(COPIES))]
    return _fill((PROMPT_TEMPLATE.format(question=question), " " + answer), city)


def _fill(template: tuple[str, str], city: City) -> Document:
    return Document(*(part.format(city=city.name, country=city.country) for part in template))


def build_questions(cities: list[City], seed: int) -> list[dict[str, object]]:
    """One question about each asked city, as rows of `questions.jsonl`."""
    rng = np.random.default_rng([seed, 2])
    asked = [city for city in cities if city.asked]
    templates = rng.permutation(np.arange(len(asked)) % len(QUESTIONS))
    rows = [
        {"question": QUESTIONS[template][0].format(city=city.name), "answer": [city.country], "group": city.name}
        for city, template in zip(asked, templates, strict=True)
    ]
    return [{"id": f"q{k:04d}", **rows[j]} for k, j in enumerate(rng.permutation(len(rows)))]
