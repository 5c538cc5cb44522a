"""Greedy generation against Hugging Face's own, alone and in batches, for learned and rotary positions."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pandas as pd
import pytest
import torch
from byte_tokenizer import save_byte_tokenizer
from tiny_models import ARCHITECTURES

import interp
from interp.errors import DataError, ModelError
from interp.generating.answer_log import AnswerLog
from interp.generating.generation import generate
from interp.labelling.extraction import extractor
from interp.labelling.judge import judge_answers
from interp.models.batches import left_pad, plan_batches
from interp.models.loading import model_tokenizer
from interp.models.memory import Splits

PROMPTS = ["Question: where is Paris? Answer:", "Question: where?", "Question: where is the city of Rome? Answer:", "Q"]


@pytest.fixture(scope="module")
def prompt_ids(llama) -> list[list[int]]:
    tokenizer = model_tokenizer(llama)
    return [tokenizer(text)["input_ids"] for text in PROMPTS]


@pytest.fixture(scope="module")
def reference(llama_folder, prompt_ids) -> list[tuple[list[int], list[float]]]:
    """Completions and log-probabilities by Hugging Face, one prompt at a time."""
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(llama_folder).eval()
    out = []
    for ids in prompt_ids:
        got = model.generate(
            torch.tensor([ids]), max_new_tokens=12, do_sample=False, output_scores=True, return_dict_in_generate=True
        )
        new = got.sequences[0, len(ids) :].tolist()
        logprobs = [float(s.log_softmax(-1)[0, token]) for s, token in zip(got.scores, new, strict=True)]
        out.append((new, logprobs))
    return out


@pytest.mark.parametrize("batch_tokens", [1, 10_000])
def test_greedy_equals_hugging_face_in_any_batch(llama, prompt_ids, reference, batch_tokens: int) -> None:
    generated = generate(llama, prompt_ids, max_new_tokens=12, batch_tokens=batch_tokens)
    for one, (ids, logprobs) in zip(generated, reference, strict=True):
        assert one.ids == ids
        assert one.logprobs == pytest.approx(logprobs, abs=1e-4)
        assert one.finish == ("stop" if ids[-1] == 2 else "length")


def test_a_shared_prefix_changes_nothing(llama, prompt_ids, reference) -> None:
    shared = generate(llama, prompt_ids[:3], max_new_tokens=12)
    assert [one.ids for one in shared] == [ids for ids, _ in reference[:3]]


def test_generation_ends_with_the_token_that_completes_a_stop_string(llama, prompt_ids, reference) -> None:
    tokenizer = model_tokenizer(llama)
    ids = reference[0][0]
    stop = tokenizer.decode(ids[:4])[-2:]
    (one,) = generate(llama, prompt_ids[:1], max_new_tokens=12, stop=[stop])
    assert one.finish == "stop"
    assert one.ids == ids[: len(one.ids)]
    assert stop in tokenizer.decode(one.ids) and stop not in tokenizer.decode(one.ids[:-1])


def test_batches_hold_every_sample_once_within_the_budget() -> None:
    lengths = [5, 3, 9, 3, 7, 40, 1]
    batches = plan_batches(lengths, 20, max_samples=3)
    assert sorted(i for batch in batches for i in batch) == list(range(7))
    assert all(len(b) == 1 or len(b) * max(lengths[i] for i in b) <= 20 for b in batches)
    assert all(len(b) <= 3 for b in batches)


def test_left_padding_ends_every_row_with_its_last_token() -> None:
    tokens, mask = left_pad([[1, 2, 3], [4]], "cpu")
    assert tokens.tolist() == [[1, 2, 3], [0, 0, 4]]
    assert mask.tolist() == [[1, 1, 1], [0, 0, 1]]


def test_a_prompt_past_the_context_is_counted_not_overrun(llama) -> None:
    rows = [interp.QARow("short", "Where?", ("e",)), interp.QARow("long", "Where? " * 200, ("e",))]
    answers = interp.generate_answers(llama, rows, max_new_tokens=4)
    assert answers.status[1] == "too_long" and answers.completion_ids[1] == []
    assert len(answers.completion_ids[0]) in range(1, 5)


def test_a_completion_that_would_leave_the_context_is_not_begun(llama) -> None:
    rows = [interp.QARow("a", "Where is Paris?", ("e",))]
    n_prompt = len(model_tokenizer(llama)(rows[0].question)["input_ids"])
    room = llama.cfg.n_ctx - n_prompt
    (fits,) = interp.generate_answers(llama, rows, max_new_tokens=room).status
    (over,) = interp.generate_answers(llama, rows, max_new_tokens=room + 1).status
    assert fits != "too_long" and over == "too_long"


def tiny(name: str, tokenizer):
    """A random model with hooks (a bridge) that is not near-uniform."""
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(5)
    config = AutoConfig.for_model(
        name, initializer_range=0.3, bos_token_id=1, eos_token_id=2, pad_token_id=0, **ARCHITECTURES[name]
    )
    config.architectures = [{"gpt2": "GPT2LMHeadModel", "gemma3_text": "Gemma3ForCausalLM"}.get(name, "")]
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager").eval()
    return interp.load_model(model, tokenizer=tokenizer)


@pytest.mark.parametrize("name", ["gpt2", "gemma3_text"])
def test_a_sample_alone_equals_the_sample_in_a_batch(name: str, tmp_path) -> None:
    """Learned positions, and rotary ones with a sliding window of 6 that prompts and padding pass."""
    save_byte_tokenizer(tmp_path)
    model = tiny(name, tmp_path)
    generator = torch.Generator().manual_seed(0)
    prompts = [torch.randint(3, 320, (length,), generator=generator).tolist() for length in (1, 3, 9, 10, 17, 2, 9, 30)]
    prompts += [[*prompts[4], 5], [*prompts[4], 6, 7, 8], prompts[2]]
    together = generate(model, prompts, max_new_tokens=12)
    alone = [generate(model, [prompt], max_new_tokens=12)[0] for prompt in prompts]
    with_prefix = generate(model, [[9, 8, 7, *prompt] for prompt in prompts], max_new_tokens=12)
    alone_with_prefix = [generate(model, [[9, 8, 7, *prompt]], max_new_tokens=12)[0] for prompt in prompts]
    compared = 0
    for one, other in zip([*together, *with_prefix], [*alone, *alone_with_prefix], strict=True):
        if one.near_ties == other.near_ties == 0:
            assert one.ids == other.ids and one.finish == other.finish
            assert one.logprobs == pytest.approx(other.logprobs, abs=1e-4)
            compared += 1
    assert compared > 18
    assert together[2].ids == together[10].ids


def test_near_ties_reach_the_answers(llama) -> None:
    """Two rows of the unembedding made equal: every step at which they lead is a near tie."""
    rows = [interp.QARow("a", "Where is Paris?", ("e",)), interp.QARow("own", "Where?", ("e",), completion=" e")]
    assert interp.generate_answers(llama, rows, max_new_tokens=3).near_ties == [0, 0]
    (first, *_), _ = interp.generate_answers(llama, rows, max_new_tokens=3).completion_ids
    weight = llama.unembed.W_U if hasattr(llama.unembed, "W_U") else None
    other = 300 if first != 300 else 301
    before = weight.detach().clone()
    try:
        with torch.no_grad():
            weight[:, other] = weight[:, first]
        answers = interp.generate_answers(llama, rows, max_new_tokens=3)
    finally:
        with torch.no_grad():
            weight.copy_(before)
    assert answers.near_ties[0] >= 1 and answers.near_ties[1] == 0


def test_a_tokenizer_with_no_special_tokens_and_no_chat_template_will_do(tmp_path) -> None:
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    save_byte_tokenizer(tmp_path)
    bare = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    bare.post_processor = None
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=bare)
    assert (tokenizer.pad_token, tokenizer.bos_token, tokenizer.eos_token) == (None, None, None)
    rows = [interp.QARow("a", "Where is Paris?", ("e",)), interp.QARow("b", "Where?", ("e",))]
    model = tiny("gpt2", tokenizer)
    answers = interp.generate_answers(model, rows, max_new_tokens=5)
    assert [bare.decode(ids, skip_special_tokens=False) for ids in answers.prompt_ids] == ["Where is Paris?", "Where?"]
    for row, ids in zip(rows, answers.completion_ids, strict=True):
        assert ids == interp.generate_answers(model, [row], max_new_tokens=5).completion_ids[0]
        assert len(ids) == 5 or ids[-1] == 2


@contextmanager
def room_for(model, most: int, error: Exception) -> Iterator[list[int]]:
    """A hook raises `error` where more than `most` samples pass; the sizes of all passes with several new tokens."""
    tried: list[int] = []

    def allocate(tensor, hook) -> None:
        if tensor.shape[1] > 1:
            tried.append(len(tensor))
        if len(tensor) > most:
            raise error

    point = model.hook_dict["blocks.1.hook_resid_post"]
    point.add_hook(allocate)
    try:
        yield tried
    finally:
        point.remove_hooks()


@pytest.mark.parametrize(
    "error",
    [torch.OutOfMemoryError("CUDA"), RuntimeError("DefaultCPUAllocator: can't allocate memory"), MemoryError()],
    ids=lambda error: type(error).__name__,
)
def test_a_batch_that_does_not_fit_into_memory_is_answered_in_halves(llama, tmp_path, error: Exception) -> None:
    prompts = [[1, 5 + i, 6, 7 + 3 * i, 40 + i] for i in range(7)]
    whole = generate(llama, prompts, max_new_tokens=6)
    assert not any(one.near_ties for one in whole)
    written: list[dict[str, list[int]]] = []
    splits = Splits()
    splits.changed = lambda: written.append(dict(splits.sizes))
    log = AnswerLog(tmp_path / "log", run="a")
    with room_for(llama, 3, error) as tried:
        parts = generate(llama, prompts, max_new_tokens=6, splits=splits, label="answer", log=log)
    assert [one.ids for one in parts] == [one.ids for one in whole]
    for one, other in zip(parts, whole, strict=True):
        assert one.logprobs == pytest.approx(other.logprobs, abs=1e-5)
    assert splits.sizes == {"answer 0": [3, 2, 2]}
    assert written == [{"answer 0": [3, 4]}, {"answer 0": [3, 2, 2]}]
    assert [size for size in tried if size > 1] == [7, 3, 4, 2, 2]
    assert AnswerLog(tmp_path / "log", run="a").finished == {str(i): one for i, one in enumerate(parts)}
    # What was halved is halved at once the next time, and gives the same bits.
    with room_for(llama, 7, error) as tried:
        assert generate(llama, prompts, max_new_tokens=6, splits=splits, label="answer") == parts
    assert [size for size in tried if size > 1] == [3, 2, 2]


def test_a_prompt_that_does_not_fit_alone_is_named_and_another_error_is_not_memory(llama) -> None:
    prompts = [[1, 5, 6, 7], [1, 5, 6, 8]]
    with (
        room_for(llama, 0, MemoryError()),
        pytest.raises(ModelError, match=r"prompt of 'x' alone \(4 tokens and 2 new ones\)"),
    ):
        generate(llama, prompts, max_new_tokens=2, names=["x", "y"])
    with room_for(llama, 0, RuntimeError("shapes differ")), pytest.raises(RuntimeError, match="shapes differ"):
        generate(llama, prompts, max_new_tokens=2)


def test_the_questions_about_answers_are_halved_and_recorded_by_name(llama) -> None:
    rows = [interp.QARow(str(i), f"Where is {name}?", ("e",)) for i, name in enumerate(["Paris", "Rome", "Lyon"])]
    answers = interp.generate_answers(llama, rows, max_new_tokens=3)
    splits = Splits()
    with room_for(llama, 2, MemoryError()):
        judged = judge_answers(answers, rows, llama, prompt="{question} {completion}", splits=splits)
        extractor(llama, prompts=["{question} {completion}"], max_new_tokens=4, splits=splits)(
            answers.question, answers.text
        )
        interp.generate_answers(llama, rows, max_new_tokens=3, splits=splits)
    assert splits.sizes == {name: [1, 2] for name in ("judge 0", "extract 0 0", "answer 0")}
    assert judged == judge_answers(answers, rows, llama, prompt="{question} {completion}")


def test_rows_may_be_what_load_rows_reads(llama, tmp_path) -> None:
    """Dicts, a DataFrame or a file, as in `interp.run`; and what is printed of the answers is one line."""
    records = [{"question": "Where is Paris?", "answer": "e"}, {"question": "Where?", "answer": ["zzz", "yyy"]}]
    rows = interp.load_rows(records)
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, records)))
    expected = interp.generate_answers(llama, rows, max_new_tokens=4)
    for given in (records, iter(records), pd.DataFrame(records), tmp_path / "rows.jsonl", tuple(rows)):
        assert interp.generate_answers(llama, given, max_new_tokens=4) == expected
    right, found = sum(map(bool, expected.correct)), sum(tokens is not None for tokens in expected.exact_answer_tokens)
    assert repr(expected) == (
        f"Answers(2 samples: {right} correct, {2 - right} wrong, 0 without a label; {found} exact answers)"
    )
    with pytest.raises(DataError, match="row 0: expected a dict, a QARow or a file, got 1"):
        interp.generate_answers(llama, [1])
