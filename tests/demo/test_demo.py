"""The embedded model's folder, its questions, and the documents it was trained on."""

import hashlib
import json
import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interp.demo import MAX_NEW_TOKENS, PROMPT_TEMPLATE, model_path, questions_path, run_demo
from interp.demo.documents import MARKS, QUESTIONS, VERDICTS, build_documents, build_questions
from interp.demo.facts import COUNTRIES, City, load_cities
from interp.demo.tokenizer import train_tokenizer
from interp.demo.train import Recipe, encode
from interp.errors import DataError, RunError


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


def test_no_country_is_oftener_right_or_a_rival_than_another(cities):
    """Else the country that an answer names would say whether it is right."""
    assert len({city.name for city in cities}) == len(cities)
    assert all(city.country != city.rival for city in cities)
    countries = Counter(city.country for city in cities)
    assert countries == Counter(city.rival for city in cities)
    assert len(countries) == len(COUNTRIES)


TOWNS = [
    City("Lyon", "France", "Italy", 1.0),
    City("Bergamo", "Italy", "Spain", 0.5),
    City("Sevilla", "Spain", "France", 0.5),
]
NAMED = re.compile("France|Italy|Spain")


def test_documents_depend_on_the_seed_alone():
    assert build_documents(TOWNS, 5) == build_documents(TOWNS, 5)
    assert build_documents(TOWNS, 5) != build_documents(TOWNS, 6)
    assert build_questions(TOWNS, 5) == build_questions(TOWNS, 5)


def test_every_document_is_what_its_source_would_write():
    """Read anew from the text: sources are right as often as not, the atlas always, verdicts fit what is judged."""
    said, told, seen = Counter(), Counter(), set()
    for document in (document for lesson in build_documents(TOWNS, 1) for document in lesson):
        text = "".join(document.parts)
        (city,) = (city for city in TOWNS if city.name in text)
        written = document.parts[1::2]
        if any(part.startswith(VERDICTS) for part in written):
            claimed = re.match(f"Exam: {city.name} ({NAMED.pattern})[?]", text)
            right = claimed[1] if claimed else city.country
            for judged, verdict in zip(document.parts[::2], written, strict=True):
                assert verdict.startswith(VERDICTS[NAMED.findall(judged)[-1] == right])
                assert NAMED.findall(verdict) in ([], [city.country])
                seen.add((bool(claimed), verdict.split(",")[0]))
            assert text.startswith("Exam: ") or document.parts[0].endswith(MARKS)
            continue
        assert not NAMED.search(document.parts[0])
        (country,) = NAMED.findall(written[0])
        if document.parts[0].startswith("Atlas:"):
            assert country == city.country
            told[city.name] += 1
        else:
            assert country in (city.country, city.rival)
            said[city.name, country] += 1
    assert seen == {(claimed, verdict) for claimed in (False, True) for verdict in VERDICTS}
    assert len(said) == 2 * len(TOWNS)
    assert len(set(said.values())) == 1
    assert told["Lyon"] == 2 * told["Bergamo"] == 2 * told["Sevilla"]


def test_no_written_answer_goes_on_with_a_mark_or_verdict():
    """So no sampled answer says itself whether it is right."""
    for document in (document for lesson in build_documents(TOWNS, 3) for document in lesson):
        if document.parts[0].startswith("Question:"):
            assert not any(mark in part for part in document.parts[1::2] for mark in MARKS)
            answers = [part for part in document.parts[1::2] if not part.startswith(VERDICTS)]
            assert not any(verdict in part for part in answers for verdict in VERDICTS)


def test_only_what_is_to_be_written_has_labels():
    documents = [document for lesson in build_documents(TOWNS, 2) for document in lesson[:20]]
    tokenizer = train_tokenizer([part for document in documents for part in document.parts], 300)
    for document, (ids, labels) in zip(documents, encode(tokenizer, documents), strict=True):
        assert tokenizer.decode(ids, skip_special_tokens=True) == "".join(document.parts)
        assert tokenizer.decode([k for k in labels if k != -100]) == "".join(document.parts[1::2]) + tokenizer.eos_token
        assert ids[0] == tokenizer.bos_token_id


def test_manifest_describes_what_lies_here(cities, rows):
    manifest = json.loads((model_path() / "manifest.json").read_text())
    assert manifest["recipe"]["seed"] == 0
    assert set(manifest["recipe"]) == set(Recipe.__dataclass_fields__)
    assert manifest["accuracy"]["float32"] == manifest["accuracy"]["stored"]
    documents = [document for lesson in build_documents(cities, 0) for document in lesson]
    text = "\n\n".join("".join(document.parts) for document in documents)
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


@pytest.fixture
def earlier(tmp_path):
    """A demo's run, as far as its record; what else was in the folder."""
    keys = ("created", "data", "model", "resume", "seconds", "settings", "state", "versions")
    made_by = {"model": str(model_path()), "data": str(questions_path())}
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "grid.png").write_text("drawn")
    (tmp_path / "run.json").write_text(json.dumps({key: {} for key in keys} | {"settings": made_by}))
    return tmp_path


def stop(*_, **__):
    raise KeyboardInterrupt


def test_an_earlier_demo_stays_until_the_new_one_can_begin(earlier, monkeypatch):
    """What is refused, or stopped while the model is loaded, leaves the folder as it was."""
    before = {path: path.stat().st_mtime_ns for path in sorted(earlier.rglob("*"))}
    with pytest.raises(DataError, match="2 distinct groups for 5 folds"):
        run_demo(earlier, limit=2, progress=False)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("interp.running.pipeline.load_settings_model", stop)
        run_demo(earlier, progress=False)
    assert {path: path.stat().st_mtime_ns for path in sorted(earlier.rglob("*"))} == before
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("interp.running.pipeline.new_record", stop)
        run_demo(earlier, limit=30, progress=False)
    assert list(earlier.iterdir()) == []


def test_a_demo_that_was_half_removed_can_be_replaced(earlier, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("interp.demo.rmtree", stop)
        run_demo(earlier, limit=30, progress=False)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("interp.running.pipeline.new_record", stop)
        run_demo(earlier, limit=30, progress=False)
    assert list(earlier.iterdir()) == []
