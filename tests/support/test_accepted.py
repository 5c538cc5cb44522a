"""What public functions take: a union for a type checker and words for help, and nothing imported for either."""

import ast
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import interp.support.accepted

PATH = Path(interp.support.accepted.__file__)


def assigned(nodes: list[ast.stmt]) -> set[str]:
    found = set()
    for node in nodes:
        targets = (
            [node.target] if isinstance(node, ast.AnnAssign) else node.targets if isinstance(node, ast.Assign) else []
        )
        found |= {target.id for target in targets}
    return found


def test_every_name_with_words_is_one_that_a_type_checker_reads():
    (branch,) = (node for node in ast.parse(PATH.read_text(encoding="utf-8")).body if isinstance(node, ast.If))
    checked, spoken = assigned(branch.body), assigned(branch.orelse)
    assert len(spoken) > 20 and spoken <= checked
    assert {name for name in vars(interp.support.accepted) if name in checked} == spoken


def test_at_run_time_a_name_is_its_words():
    for name, kind in vars(interp.support.accepted).items():
        if get_origin(kind) is Annotated:
            held, words = get_args(kind)
            assert held is Any or held == Mapping[str, Any], name
            assert isinstance(words, str) and words == words.strip() and not words.endswith("."), name


def test_nothing_heavy_is_imported_for_a_types_sake():
    code = "import interp.support.accepted, sys; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"numpy", "pandas", "torch", "xarray", "sklearn", "jaxtyping", "transformers", "transformer_lens"}
    assert "interp" in done.stdout.split() and not heavy & set(done.stdout.split())
