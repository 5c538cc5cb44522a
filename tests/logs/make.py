"""Write the log files of this folder anew: with the tools themselves, on the embedded model. Not run by the tests.

In an environment of its own (Python 3.11 or newer), from the repository's root:

    pip install lm-eval==0.4.13 inspect-ai==0.3.285 openai==3.57.0 zipfile-zstd==0.0.4 torch transformers accelerate
    python tests/logs/make.py

lm-evaluation-harness and Inspect write their files. OpenAI's and vLLM's servers do not run here: the model's own answers
are put into the classes that the `openai` package publishes for them, and vLLM's further fields beside them, by its
protocol. LLMsKnow's scripts need a GPU and an account; its CSV is written by the lines of its own code that write it.
"""

import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
MODEL = ROOT / "interp" / "demo" / "model"
PROMPT = "Question: {question}\nAnswer:"
CHAT = "{% for m in messages %}{% if m.role == 'user' %}Question: {{ m.content }}\nAnswer:{% endif %}{% endfor %}"
COUNTRIES = ("India", "Peru", "Germany", "Russia", "Italy")
N = 6
os.environ |= {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "HF_DATASETS_OFFLINE": "1", "TQDM_DISABLE": "1"}


def questions() -> list[dict]:
    lines = (MODEL.parent / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines[:N]]


# ---- lm-evaluation-harness -------------------------------------------------------------------------------------------

JUDGED = """
def contains(doc, results):
    text = results[0]
    return {"contains": int(any(a in text for a in doc["answer"])), "words": len(text.split())}
"""
COMMON = """
dataset_path: json
dataset_kwargs: {{data_files: {{test: {data}}}}}
test_split: test
doc_to_text: "Question: {{{{question}}}}\\nAnswer:"
generation_kwargs: {{until: ["\\n"], max_gen_toks: 24, do_sample: {sampled}{heat}}}
"""
TASKS = {
    "cities": "doc_to_target: answer\nprocess_results: !function judged.contains\noutput_type: generate_until\n"
    "metric_list: [{metric: contains, aggregation: mean, higher_is_better: true}, {metric: words, aggregation: mean, higher_is_better: true}]\n",
    "cities_filters": 'doc_to_target: "{{answer[0]}}"\noutput_type: generate_until\n'
    "filter_list:\n- {name: whole, filter: [{function: take_first}]}\n- name: country\n  filter:\n"
    '  - {function: regex, regex_pattern: "(India|Peru|Germany|Russia|Italy|Poland)"}\n  - {function: take_first}\n'
    "metric_list: [{metric: exact_match}]\n",
    "cities_draws": "doc_to_target: answer\nprocess_results: !function judged.contains\noutput_type: generate_until\n"
    "repeats: 3\nmetric_list: [{metric: contains, aggregation: mean, higher_is_better: true}]\n",
    "cities_choice": 'output_type: multiple_choice\ndoc_to_choice: ["India", "Peru", "Germany"]\n'
    "doc_to_target: 0\nmetric_list: [{metric: acc}]\n",
}


def lm_eval() -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        data = folder / "questions.jsonl"
        data.write_text("".join(json.dumps(row) + "\n" for row in questions()))
        (folder / "judged.py").write_text(JUDGED)
        for name, own in TASKS.items():
            hot = name == "cities_draws"
            common = COMMON.format(data=data, sampled=str(hot).lower(), heat=", temperature: 1.0" if hot else "")
            if name == "cities_choice":
                common = re.sub("generation_kwargs.*\n", "", common)
            (folder / f"{name}.yaml").write_text(f"task: {name}\n{common}{own}")
        subprocess.run(
            [
                sys.executable,
                "-m",
                "lm_eval",
                "run",
                "--model",
                "hf",
                "--model_args",
                f"pretrained={MODEL}",
                "--device",
                "cpu",
                "--tasks",
                *TASKS,
                "--include_path",
                folder,
                "--batch_size",
                "1",
                "--log_samples",
                "--output_path",
                folder / "out",
            ],
            check=True,
        )
        for name in TASKS:
            found = next((folder / "out").rglob(f"samples_{name}_2*.jsonl"))
            shutil.copy(found, HERE / f"samples_{name}.jsonl")


# ---- Inspect ---------------------------------------------------------------------------------------------------------


def inspect() -> None:
    from inspect_ai import Task, eval
    from inspect_ai.dataset import Sample
    from inspect_ai.log import read_eval_log, write_eval_log
    from inspect_ai.model import (
        ChatCompletionChoice,
        ChatMessageAssistant,
        ContentReasoning,
        ContentText,
        GenerateConfig,
        ModelOutput,
        ModelUsage,
        get_model,
    )
    from inspect_ai.scorer import includes, match
    from inspect_ai.solver import generate, system_message

    asked = [Sample(id=row["id"], input=row["question"], target=row["answer"]) for row in questions()]
    hf = get_model(
        "hf/cities", model_path=str(MODEL), device="cpu", chat_template=CHAT, config=GenerateConfig(max_tokens=24)
    )

    def thinking(messages, *_) -> ModelOutput:
        country = "India" if "Kallakurichi" in messages[-1].text or "Chosica" in messages[-1].text else "Germany"
        parts = [
            ContentReasoning(reasoning=f"The name sounds like {country}."),
            ContentText(text=f"It is in {country}."),
        ]
        message = ChatMessageAssistant(content=parts)
        choice = ChatCompletionChoice(message=message, stop_reason="stop")
        return ModelOutput(model="mockllm", choices=[choice], usage=ModelUsage())

    mock = get_model("mockllm/model", custom_outputs=thinking)
    runs = {
        "inspect_one": (Task(dataset=asked, scorer=includes(), name="cities"), hf, {}),
        "inspect_two": (
            Task(
                dataset=asked[:3],
                solver=[system_message("Answer shortly."), generate()],
                scorer=[includes(), match()],
                name="cities",
            ),
            hf,
            {"epochs": 2},
        ),
        "inspect_thinking": (Task(dataset=asked[:4], scorer=includes(), name="cities"), mock, {}),
    }
    for name, (task, model, options) in runs.items():
        with tempfile.TemporaryDirectory() as place:
            log = eval(task, model=model, log_dir=place, display="none", log_format="eval", **options)[0]
            log = read_eval_log(log.location)
            cleaned = log.model_copy(deep=True)
            cleaned.eval.model_args = {}
            cleaned.eval.revision = None
            cleaned.eval.packages = {"inspect_ai": log.eval.packages.get("inspect_ai", "")}
            cleaned.eval.dataset.location = None
            for sample in cleaned.samples:
                sample.events = []
                sample.timelines = None
            write_eval_log(cleaned, str(HERE / f"{name}.eval"), format="eval")
            write_eval_log(cleaned, str(HERE / f"{name}.json"), format="json")


# ---- OpenAI and vLLM -------------------------------------------------------------------------------------------------


class Answering:
    """The embedded model, greedy: prompt -> (prompt ids, completion ids, text)."""

    def __init__(self) -> None:
        from transformers import AutoModelForCausalLM, AutoTokenizer

        self.tokenizer = AutoTokenizer.from_pretrained(MODEL)
        self.model = AutoModelForCausalLM.from_pretrained(MODEL)

    def __call__(self, prompt: str) -> tuple[list[int], list[int], str]:
        ids = self.tokenizer(prompt, return_tensors="pt").input_ids
        own = self.model.generate(ids, max_new_tokens=24, do_sample=False)[0, ids.shape[1] :].tolist()
        return ids[0].tolist(), own, self.tokenizer.decode(own, skip_special_tokens=True)


def lines(name: str, values: list[dict]) -> None:
    (HERE / name).write_text("".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values))


def batches(answer: Answering) -> None:
    from openai.types import Completion
    from openai.types.chat import ChatCompletion

    rows, requests, outputs, vllm_requests, vllm_outputs = questions(), [], [], [], []
    for number, row in enumerate(rows):
        prompt = PROMPT.format(question=row["question"])
        prompt_ids, ids, text = answer(prompt)
        logprobs = [
            {"token": answer.tokenizer.decode([i]), "bytes": None, "logprob": -0.5, "top_logprobs": []} for i in ids
        ]
        turns = [{"role": "system", "content": "Answer shortly."}, {"role": "user", "content": row["question"]}]
        body = {"model": "cities", "messages": turns, "max_tokens": 24, "logprobs": True}
        requests.append({"custom_id": row["id"], "method": "POST", "url": "/v1/chat/completions", "body": body})
        chat = ChatCompletion.model_validate(
            {
                "id": f"chatcmpl-{number}",
                "object": "chat.completion",
                "created": 0,
                "model": "cities",
                "choices": [
                    {
                        "index": 0,
                        "finish_reason": "stop",
                        "logprobs": {"content": logprobs, "refusal": None},
                        "message": {"role": "assistant", "content": text.strip(), "refusal": None},
                    }
                ],
            }
        )
        response = {"status_code": 200, "request_id": f"req-{number}", "body": chat.model_dump(mode="json")}
        outputs.append({"id": f"batch_req_{number}", "custom_id": row["id"], "response": response, "error": None})
        body = {"model": "cities", "prompt": prompt, "max_tokens": 24, "return_token_ids": True}
        vllm_requests.append({"custom_id": row["id"], "method": "POST", "url": "/v1/completions", "body": body})
        plain = Completion.model_validate(
            {
                "id": f"cmpl-{number}",
                "object": "text_completion",
                "created": 0,
                "model": "cities",
                "choices": [{"index": 0, "finish_reason": "stop", "logprobs": None, "text": text}],
            }
        ).model_dump(mode="json")
        plain["choices"][0] |= {
            "stop_reason": None,
            "token_ids": ids,
            "prompt_token_ids": prompt_ids,
            "prompt_logprobs": None,
        }
        response = {"status_code": 200, "request_id": f"vllm-batch-{number}", "body": plain}
        vllm_outputs.append({"id": f"vllm-{number}", "custom_id": row["id"], "response": response, "error": None})
    outputs[-1]["response"] = None
    outputs[-1]["error"] = {"code": "batch_expired", "message": "This request could not be executed in time."}
    random.Random(0).shuffle(outputs)  # a batch comes back in any order
    for folder, (asked, answered) in {"openai": (requests, outputs), "vllm": (vllm_requests, vllm_outputs)}.items():
        (HERE / folder).mkdir(exist_ok=True)
        lines(f"{folder}/requests.jsonl", asked)
        lines(f"{folder}/output.jsonl", answered)
        lines(f"{folder}/questions.jsonl", rows)


# ---- LLMsKnow --------------------------------------------------------------------------------------------------------


def llmsknow(answer: Answering) -> None:
    """By the last lines of `main` in its src/generate_model_answers.py and src/extract_exact_answer.py."""
    import pandas as pd

    rows = questions()
    prompts = [PROMPT.format(question=row["question"]) for row in rows]
    produced = [answer.tokenizer.decode(answer(prompt)[1]) for prompt in prompts]
    labels = [row["answer"] for row in rows]
    correctness = [int(any(a.lower() in text.lower() for a in own)) for text, own in zip(produced, labels, strict=True)]
    output_csv = {"raw_question": [row["question"] for row in rows]}
    output_csv["question"] = prompts
    output_csv["model_answer"] = produced
    output_csv["correct_answer"] = labels
    output_csv["automatic_correctness"] = correctness
    place = HERE / "mistral-7b-answers-triviaqa.csv"
    pd.DataFrame.from_dict(output_csv).to_csv(place)
    model_answers = pd.read_csv(place)
    found = [re.search("|".join((*COUNTRIES, "Poland")), text) for text in produced]
    model_answers["exact_answer"] = [one[0] if one else "NO ANSWER" for one in found]
    model_answers["valid_exact_answer"] = 1
    model_answers.to_csv(place)


if __name__ == "__main__":
    asked = sys.argv[1:] or ["lm_eval", "inspect", "batches", "llmsknow"]
    answer = Answering() if {"batches", "llmsknow"} & {*asked} else None
    for name in asked:
        globals()[name](*([answer] if name in ("batches", "llmsknow") else []))
