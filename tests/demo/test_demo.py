"""The embedded model's folder, its questions, and the documents it was trained on."""

import hashlib
import json
import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interp.demo import MAX_NEW_TOKENS, PROMPT_TEMPLATE, model_path, questions_path, run_demo
from interp.demo.documents import COPIES, QUESTIONS, VERDICTS, build_documents, build_questions
from interp.demo.facts import EXPOSURES, City, load_cities
from interp.demo.train import Recipe, encode, train_tokenizer
from interp.errors import RunError


@pytest.fixture(scope="module")
def tokenizer():
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(model_path())


@pytest.fixture(scope="module")
def rows():
    return [json.loads(line) for line in questions_path().read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def cities():
    return load_cities(0)


def test_folder_is_small_and_complete():
    files = {path.name: path.stat().st_size for path in model_path().iterdir()}
    wanted = {
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
        "training.log",
        "manifest.json",
    }
    assert wanted <= files.keys()
    assert sum(files.values()) <= 8_000_000


def test_weights_are_half_precision_and_finite():
    from safetensors.torch import load_file

    weights = load_file(model_path() / "model.safetensors")
    assert {str(weight.dtype) for weight in weights.values()} == {"torch.float16"}
    assert all(weight.isfinite().all() for weight in weights.values())


@given(st.text())
@settings(max_examples=200, deadline=None)
def test_tokenizer_round_trip(tokenizer, text):
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    # Text that spells a special token is that token; everything else is bytes.
    if not any(token in text for token in tokenizer.all_special_tokens):
        assert tokenizer.decode(ids) == text


def test_prompt_has_one_bos_at_the_start(tokenizer, rows):
    ids = tokenizer(PROMPT_TEMPLATE.format(question=rows[0]["question"]), add_special_tokens=True)["input_ids"]
    assert ids[0] == tokenizer.bos_token_id
    assert ids.count(tokenizer.bos_token_id) == 1
    assert tokenizer.eos_token_id not in ids
    assert len({tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id}) == 3


def test_questions_hold_facts_only(rows):
    assert len(rows) >= 800
    assert all(row.keys() == {"id", "question", "answer", "group"} for row in rows)
    assert len({row["id"] for row in rows}) == len(rows)
    assert all(row["answer"] and all(isinstance(text, str) for text in row["answer"]) for row in rows)
    assert all(row["group"] in row["question"] for row in rows)


def test_no_question_names_a_country(rows):
    """Else the label-blind finder could take the question's own words, repeated in the answer, for the answer."""
    accepted = re.compile("|".join(rf"\b{re.escape(text)}\b" for row in rows for text in row["answer"]))
    assert not [row["question"] for row in rows if accepted.search(row["question"])]


def test_answers_are_balanced_and_long_with_the_country_inside(tokenizer, rows):
    assert len(set(Counter(row["answer"][0] for row in rows).values())) == 1
    places = set()
    for _, answer in QUESTIONS:
        before, after = answer.format(city="Lyon", country="|").split("|")
        n_before = len(tokenizer(" " + before.strip(), add_special_tokens=False)["input_ids"])
        n_after = len(tokenizer(after, add_special_tokens=False)["input_ids"])
        assert n_before + 1 + n_after >= 12
        assert n_before >= 3
        assert n_after >= 4
        places.add(n_before)
    assert len(places) >= 4
    lengths = [len(tokenizer(" " + row["answer"][0], add_special_tokens=False)["input_ids"]) for row in rows]
    assert 0.2 < sum(length > 1 for length in lengths) / len(lengths) < 0.8
    longest = max(len(tokenizer(a.format(city="N" * 16, country="United Kingdom"))["input_ids"]) for _, a in QUESTIONS)
    assert longest + 1 <= MAX_NEW_TOKENS


def test_asked_cities_are_told_as_planned(cities):
    for country in {city.country for city in cities}:
        assert sorted(c.exposures for c in cities if c.asked and c.country == country) == sorted(EXPOSURES)
    assert len({city.name for city in cities}) == len(cities)
    assert all(city.country not in city.look_alikes for city in cities)


TOWNS = [
    City("Lyon", "France", 30, True, ("Italy",)),
    City("Bergamo", "Italy", 3, True, ("Spain",)),
    City("Sevilla", "Spain", 0, True, ("France",)),
    City("Getafe", "Spain", 1, False, ("Italy",)),
]


def test_documents_depend_on_the_seed_alone():
    assert build_documents(TOWNS, 5) == build_documents(TOWNS, 5)
    assert build_documents(TOWNS, 5) != build_documents(TOWNS, 6)
    assert build_questions(TOWNS, 5) == build_questions(TOWNS, 5)


def test_every_document_tells_the_truth():
    """Counted anew from the text: exposures, copies, and verdicts that fit what is judged."""
    documents = build_documents(TOWNS, 1)
    told, named = Counter(), Counter()
    verdicts = set()
    for document in documents:
        city = next(city for city in TOWNS if city.name in document.given + document.trained)
        countries = [name for name in ("France", "Italy", "Spain") if name in document.given + document.trained]
        named[city.name] += 1
        told[city.name] += len(countries)
        if document.trained in VERDICTS:
            assert document.trained == (" right" if countries == [city.country] else " wrong")
            verdicts.add(document.trained)
        elif countries:
            assert countries == [city.country]
            assert city.country in document.trained
    assert told == {"Lyon": 30, "Bergamo": 3, "Sevilla": 0, "Getafe": 1}
    assert named == {"Lyon": 30, "Bergamo": 30, "Sevilla": 30, "Getafe": 1}
    assert verdicts == set(VERDICTS)
    assert not any("country" in answer for _, answer in COPIES)


def test_only_what_is_to_be_written_has_labels():
    documents = build_documents(TOWNS, 2)[:20]
    tokenizer = train_tokenizer([d.given + d.trained for d in documents], 300)
    for document, (ids, labels) in zip(documents, encode(tokenizer, documents), strict=True):
        assert tokenizer.decode(ids, skip_special_tokens=True) == document.given + document.trained
        assert tokenizer.decode([k for k in labels if k != -100]) == document.trained + tokenizer.eos_token
        assert ids[0] == tokenizer.bos_token_id


def test_manifest_describes_what_lies_here(cities, rows):
    manifest = json.loads((model_path() / "manifest.json").read_text())
    assert manifest["recipe"]["seed"] == 0
    assert set(manifest["recipe"]) == set(Recipe.__dataclass_fields__)
    assert manifest["accuracy"]["float32"] == manifest["accuracy"]["stored"]
    documents = build_documents(cities, 0)
    text = "\n\n".join(document.given + document.trained for document in documents)
    assert manifest["data"]["documents"] == len(documents)
    assert manifest["data"]["sha256"] == hashlib.sha256(text.encode()).hexdigest()
    assert rows == build_questions(cities, 0)


def test_only_a_run_of_the_demos_own_model_is_replaced(tmp_path):
    """Another model's run on the demo's questions is somebody's work."""
    keys = ("created", "data", "model", "resume", "seconds", "settings", "state", "versions")
    record = {key: {} for key in keys} | {"settings": {"model": "mine", "data": str(questions_path())}}
    (tmp_path / "run.json").write_text(json.dumps(record))
    with pytest.raises(RunError):
        run_demo(tmp_path)
    assert json.loads((tmp_path / "run.json").read_text()) == record
