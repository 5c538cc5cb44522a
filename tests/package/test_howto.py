"""The how-to pages as a reader follows them: every block is run, page by page, and prints what the page shows."""

import ast
import contextlib
import doctest
import io
import json
import re
import shlex
import shutil
from html import escape
from pathlib import Path

import pytest
import torch
from matplotlib import pyplot as plt
from safetensors.torch import load_file, save_file

import interp
from interp.command.cli import main
from interp.demo import PROMPT_TEMPLATE, model_path, questions_path
from interp.running.analysis import redraw

PAGES = sorted((Path(__file__).parents[2] / "docs" / "howto").glob("*.md"))
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
CHAT = (
    "{% for turn in messages %}{{ turn.role }}: {{ turn.content }}\n{% endfor %}{% if add_generation_prompt %}assistant: "
    "{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}{% endif %}"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the pages take for granted: the embedded model stands for the reader's, under the names that they use."""
    where = tmp_path_factory.mktemp("howto")
    for name in ("my-model", "chat-model", "other-model"):
        shutil.copytree(model_path(), where / name)
    config = where / "chat-model" / "tokenizer_config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"chat_template": CHAT}))
    weights = load_file(where / "other-model" / "model.safetensors")
    torch.manual_seed(0)
    moved = {
        name: one + 0.03 * one.float().std().to(one.dtype) * torch.randn_like(one) for name, one in weights.items()
    }
    save_file(moved, where / "other-model" / "model.safetensors", metadata={"format": "pt"})
    lines = questions_path().read_text(encoding="utf-8").splitlines(keepends=True)
    (where / "questions.jsonl").write_text("".join(lines[:160]), encoding="utf-8")
    (where / "prompt.txt").write_text(PROMPT_TEMPLATE + "\n", encoding="utf-8")
    return where


def run_shell(text: str) -> None:
    """The lines of a block, by the command line's own main."""
    for line in re.sub(r"\\\n\s*", " ", text).splitlines():
        program, *words = shlex.split(line)
        assert program == "interp" and main(words) == 0, line


def run_block(language: str, text: str, names: dict[str, object]) -> str:
    """A block, as a reader would run it; returns what it prints."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
        if language == "sh":
            run_shell(text)
        elif language == "json":
            assert len(interp.load_rows([json.loads(line) for line in text.splitlines()])) == len(text.splitlines())
        elif language == "python":
            exec(compile(ast.parse(text), "page", "exec"), names)  # noqa: S102  (our own pages)
        else:
            raise AssertionError(f"a block in {language!r} is not run")
    return printed.getvalue()


def follow(page: str) -> None:
    """Run the blocks of a page in order; a block `text` is what the one before it printed."""
    printed, names = "", {"__name__": "page"}
    for language, text in BLOCK.findall(page):
        if language == "text":
            flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
            assert doctest.OutputChecker().check_output(text, printed, flags), f"shown:\n{text}\nprinted:\n{printed}"
        else:
            printed = run_block(language, text, names)


@pytest.fixture
def reports(monkeypatch: pytest.MonkeyPatch) -> dict[Path, interp.Run]:
    """The runs whose report an experiment would draw again: a page makes up to seven of one run, one after the other."""
    waiting: dict[Path, interp.Run] = {}
    for room in ("written", "token_run"):
        monkeypatch.setattr(f"interp.experiments.{room}.redraw", lambda run: waiting.update({run.folder.path: run}))
    return waiting


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_can_be_followed(
    page: Path, folder: Path, reports: dict[Path, interp.Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    follow(page.read_text(encoding="utf-8"))
    for run in reports.values():  # once, with the sections of all its experiments
        redraw(run)
        report = run.folder.report.read_text(encoding="utf-8")
        made = [json.loads(path.read_text()) for path in run.folder.experiments.glob("*.json")]
        assert made and all(escape(section["title"]) in report for section in made)
    plt.close("all")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_is_short_and_shows_what_comes(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 88
    languages = [language for language, _ in BLOCK.findall(text)]
    assert text.count("```") == 2 * len(languages) and {"python", "text"} <= set(languages)


def test_what_a_page_says_wrongly_is_noticed() -> None:
    with pytest.raises(AssertionError, match=r"printed:\n\s*2"):
        follow("```python\nprint(1 + 1)\n```\n\n```text\n3\n```\n")
    with pytest.raises(AssertionError, match="'bash' is not run"):
        follow("```bash\nls\n```\n")
    with pytest.raises(AssertionError, match="interp status nowhere"):
        follow("```sh\ninterp status nowhere\n```\n")
