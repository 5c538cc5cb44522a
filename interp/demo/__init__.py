"""The embedded default: a small language model that was really trained, and the questions it is asked."""

from pathlib import Path

PROMPT_TEMPLATE = "Question: {question}\nAnswer:"
"""The whole prompt; the tokenizer puts one BOS before it (`add_special_tokens=True`). Answers end with EOS."""

MAX_NEW_TOKENS = 64
"""More than the longest answer needs."""


def model_path() -> Path:
    """The model's folder in Hugging Face format: config, half-precision weights, tokenizer, training log, manifest."""
    return Path(__file__).parent / "model"


def questions_path() -> Path:
    """JSON lines with `id`, `question`, `answer` (accepted strings) and `group` (the city asked about)."""
    return Path(__file__).parent / "questions.jsonl"
