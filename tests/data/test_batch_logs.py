"""Batches of OpenAI's and vLLM's servers: responses in any order, joined with requests and questions by their ids."""

import json
import warnings
from pathlib import Path

import pytest
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

import interp
from interp.data.batch_logs import is_request, is_response

FOLDER = Path(__file__).parents[1] / "fixtures" / "logs"
NAMES = ("output", "requests", "questions")


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def files(folder):
    return {name: lines(FOLDER / folder / f"{name}.jsonl") for name in NAMES}


@pytest.fixture
def load(tmp_path):
    """Rows of a batch's files as they are given, and what was said."""

    def written(**records):
        paths = []
        for name, each in records.items():
            paths.append(tmp_path / f"{name}.jsonl")
            paths[-1].write_text("".join(json.dumps(record) + "\n" for record in each), encoding="utf-8")
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            return interp.load_rows(paths), [str(one.message) for one in said]

    return written


def test_a_chat_batch_is_joined_by_its_ids(load):
    batch = files("openai")
    assert all(map(is_response, batch["output"])) and all(map(is_request, batch["requests"]))
    rows, said = load(**batch)
    texts = {
        one["custom_id"]: one["response"]["body"]["choices"][0]["message"]["content"]
        for one in batch["output"]
        if one["response"]
    }
    asked = {one["custom_id"]: one["body"]["messages"] for one in batch["requests"]}
    assert [row.id for row in rows] == [one["id"] for one in batch["questions"]][:5]
    for row, question in zip(rows, batch["questions"], strict=False):
        assert row.completion == texts[row.id] and row.question == question["question"]
        assert row.messages == tuple((turn["role"], turn["content"]) for turn in asked[row.id])
        assert list(row.answers) == question["answer"] and row.group == question["group"]
    assert rows.left_out == {"whose request failed": 1} and len(said) == 1
    assert list(rows.read_as) == ["batch (chat): messages, completion=choices; not kept: logprobs"]


def test_the_order_of_the_files_does_not_count(tmp_path):
    batch = {name: FOLDER / "vllm" / f"{name}.jsonl" for name in NAMES}
    expected = interp.load_rows(FOLDER / "vllm")
    for order in (NAMES, NAMES[::-1], ("requests", "questions", "output")):
        assert list(interp.load_rows([batch[name] for name in order])) == list(expected)


def served_model():
    """A tiny Llama with the tokenizer of the model that the server ran: an embedded model of before."""
    tokenizer = AutoTokenizer.from_pretrained(FOLDER.parent / "logs_tokenizer")
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = LlamaConfig(vocab_size=len(tokenizer), max_position_embeddings=256, **sizes)
    return interp.load_model(LlamaForCausalLM(config), tokenizer=tokenizer)


def test_token_ids_are_kept_as_the_server_gave_them():
    rows, batch = interp.load_rows(FOLDER / "vllm"), files("vllm")
    choices = {one["custom_id"]: one["response"]["body"]["choices"][0] for one in batch["output"]}
    answers = interp.generate_answers(served_model(), rows)
    for i, row in enumerate(rows):
        assert answers.prompt_ids[i] == choices[row.id]["prompt_token_ids"]
        assert answers.completion_ids[i] == choices[row.id]["token_ids"]
        assert answers.text[i].removesuffix("</s>") == choices[row.id]["text"]
    assert answers.correct == [any(a in row.completion for a in row.answers) for row in rows]


def test_ids_of_the_completion_alone_are_not_kept_and_said(load):
    batch = files("vllm")
    for one in batch["output"]:
        del one["response"]["body"]["choices"][0]["prompt_token_ids"]
    rows, _ = load(**batch)
    assert rows[0].completion_ids is None and rows[0].prompt and rows[0].completion
    assert "not kept: token_ids, because the prompt's are not there" in next(iter(rows.read_as))


def test_ids_of_a_chat_come_with_the_body(load):
    batch = files("openai")
    body = batch["output"][0]["response"]["body"]
    body["prompt_token_ids"], body["choices"][0]["token_ids"] = [1, 2, 3], [4, 5]
    rows, _ = load(**batch)
    (row,) = (row for row in rows if row.id == batch["output"][0]["custom_id"])
    assert (row.prompt_ids, row.completion_ids, row.messages) == ((1, 2, 3), (4, 5), None)


def test_several_choices_are_draws_of_one_question(load):
    batch = files("openai")
    choices = batch["output"][0]["response"]["body"]["choices"]
    choices.insert(0, {**choices[0], "index": 1, "message": {"role": "assistant", "content": "Other."}})
    rows, _ = load(**batch)
    name = batch["output"][0]["custom_id"]
    drawn = [row for row in rows if row.id.startswith(name)]
    assert [row.id for row in drawn] == [f"{name}#0", f"{name}#1"] and drawn[1].completion == "Other."
    assert drawn[0].group == drawn[1].group


@pytest.mark.parametrize("key", ["reasoning_content", "reasoning"])
def test_a_thought_is_put_back(load, key):
    batch = files("openai")
    batch["output"][0]["response"]["body"]["choices"][0]["message"][key] = "It sounds so."
    rows, _ = load(**batch)
    (row,) = (row for row in rows if row.id == batch["output"][0]["custom_id"])
    assert row.completion.startswith("<think>\nIt sounds so.\n</think>\n\n")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda message: message.update(content=None, refusal="No."), "with a refusal, calls of tools, or no text"),
        (lambda message: message.update(tool_calls=[{"id": "1"}]), "with a refusal, calls of tools, or no text"),
    ],
)
def test_what_is_no_text_is_left_out(load, change, reason):
    batch = files("openai")
    change(batch["output"][0]["response"]["body"]["choices"][0]["message"])
    assert load(**batch)[0].left_out == {reason: 1, "whose request failed": 1}


def test_what_lacks_its_other_half_is_left_out(load):
    batch = files("vllm")
    batch["output"].pop()
    batch["questions"].pop(0)
    rows, _ = load(**batch)
    assert rows.left_out == {"without a response": 1, "of which the file of questions has none": 1} and len(rows) == 4


REFUSED = {
    "does not say what the model was asked": lambda b: [b.pop("requests"), b.pop("questions")],
    "does not say what is right": lambda b: b.pop("questions"),
    "without their responses": lambda b: b.pop("output"),
    "is already that of": lambda b: b["output"].append(b["output"][0]),
    "needs the requests' custom_id as its `id`": lambda b: b["questions"][0].pop("id"),
    "`echo` puts the prompt before the completion": lambda b: b["requests"][0]["body"].update(echo=True),
    "one prompt a request": lambda b: (
        b["requests"][0]["body"].update(messages=None, prompt=["a", "b"]) or b["requests"][0]["body"].pop("messages")
    ),
    "expected response.body.choices": lambda b: b["output"][0]["response"]["body"].update(choices=[]),
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_what_cannot_be_read_is_refused_with_its_line(load, sentence):
    batch = files("openai")
    REFUSED[sentence](batch)
    with pytest.raises(interp.DataError, match=r"\.jsonl:\d+: ") as error:
        load(**batch)
    assert sentence in str(error.value)


def test_a_prompt_may_be_ids(load):
    batch = files("vllm")
    batch["requests"][0]["body"]["prompt"] = [5, 6, 7]
    assert load(**batch)[0][0].prompt_ids == (5, 6, 7)


def test_questions_may_bring_the_prompt_and_the_label(load):
    batch = files("openai")
    del batch["requests"]
    for question in batch["questions"]:
        question.update(prompt=f"Q: {question['question']}", correct=True)
    rows, _ = load(**batch)
    assert rows[0].prompt.startswith("Q: ") and {row.correct for row in rows} == {True}


def test_a_batch_after_rows_of_another_kind_is_refused():
    batch = files("vllm")
    with pytest.raises(interp.DataError, match="row 6: a batch's records stand after others"):
        interp.load_rows([*batch["questions"], *batch["output"]])
