"""Writes 120 words to be repeated, six in each of 20 scripts: what a tokenizer spells in bytes is hard to locate.

    python examples/scripts.py scripts.jsonl
    interp run --model gemma3-270m --data scripts.jsonl --max-new-tokens 16 --stop '\\n' --no-chat --out RUN

The words mean nothing: three letters of a script (or emoji) drawn at random. `benchmarks/positions.py` reads the run.
"""

import argparse
import json
import unicodedata
from pathlib import Path

import numpy as np

SCRIPTS = {
    "Greek": (0x0391, 0x03C9),
    "Cyrillic": (0x0410, 0x044F),
    "Armenian": (0x0531, 0x0586),
    "Hebrew": (0x05D0, 0x05EA),
    "Arabic": (0x0621, 0x064A),
    "Devanagari": (0x0905, 0x0939),
    "Bengali": (0x0985, 0x09B9),
    "Tamil": (0x0B85, 0x0BB9),
    "Thai": (0x0E01, 0x0E2E),
    "Tibetan": (0x0F40, 0x0F6C),
    "Georgian": (0x10D0, 0x10FA),
    "Ethiopic": (0x1200, 0x135A),
    "Cherokee": (0x13A0, 0x13F4),
    "Tagalog": (0x1700, 0x1711),
    "Khmer": (0x1780, 0x17B3),
    "Hiragana": (0x3041, 0x3096),
    "Han": (0x4E00, 0x9FFF),
    "Yi": (0xA000, 0xA48C),
    "Hangul": (0xAC00, 0xD7A3),
    "emoji": (0x1F600, 0x1F64F),
}
"""First and last code point that letters are drawn from."""
WORDS, LETTERS = 6, 3
PROMPT = "Repeat the word.\n\nWord: Лион\nRepeated: Лион\n\nWord: おさか\nRepeated: おさか\n\nWord: {}\nRepeated:"


def rows() -> list[dict[str, str]]:
    """The words, the same every time."""
    rng = np.random.default_rng(0)
    found = []
    for script, (first, last) in SCRIPTS.items():
        letters = [chr(code) for code in range(first, last + 1) if unicodedata.category(chr(code))[0] in "LS"]
        for k in range(WORDS):
            word = "".join(rng.choice(letters, LETTERS))
            found.append({"id": f"{script}-{k}", "question": word, "answer": word, "prompt": PROMPT.format(word)})
    return found


def main() -> None:
    """Write them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="the file to write, JSON lines")
    out = parser.parse_args().out
    out.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows()), encoding="utf-8")


if __name__ == "__main__":
    main()
