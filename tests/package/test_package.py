"""The package as a whole: cheap to import, complete in its public names, and free of unsafe readers."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import interp

PACKAGE = Path(interp.__file__).parent
HEAVY = ("torch", "transformers", "transformer_lens", "sklearn", "xarray", "matplotlib", "pandas", "scipy")


def modules_after(code: str) -> set[str]:
    """Names in `sys.modules` after a fresh interpreter ran `code`."""
    script = f"import contextlib, io, sys\nwith contextlib.redirect_stdout(io.StringIO()):\n{code}\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=PACKAGE.parent, check=True
    )
    return set(done.stdout.split())


def test_importing_interp_imports_nothing_heavy():
    assert modules_after("    import interp; dir(interp)").isdisjoint(HEAVY)
    assert "torch" in modules_after("    import interp; interp.Capture")  # the check can fail


def test_help_imports_nothing_heavy():
    code = (
        "    import interp.command.cli\n    with contextlib.suppress(SystemExit): interp.command.cli.main(['--help'])"
    )
    assert modules_after(code).isdisjoint(HEAVY)


def test_status_imports_nothing_heavy(tmp_path):
    keys = ("created", "model", "resume", "settings", "versions")
    record = {"state": "capturing", "seconds": {"answering": 1.0}, "data": {"rows": 3}} | dict.fromkeys(keys, "")
    record["counts"] = {"samples": 3}
    (tmp_path / "run.json").write_text(json.dumps(record))
    (tmp_path / "samples.jsonl").write_text("{}\n")
    (tmp_path / "activations").mkdir()
    code = f"    import interp.command.cli\n    assert interp.command.cli.main(['status', {str(tmp_path)!r}]) == 0"
    assert modules_after(code).isdisjoint({*HEAVY, "numpy", "joblib"})
    (tmp_path / "samples.jsonl").unlink()  # as it answers, by the log
    (tmp_path / "run.json").write_text(json.dumps(record | {"state": "answering"}))
    assert modules_after(code).isdisjoint({*HEAVY, "numpy", "joblib"})


def test_help_of_the_command_names_every_subcommand():
    done = subprocess.run(
        [sys.executable, "-c", "import sys; from interp.command.cli import main; sys.exit(main(['--help']))"],
        capture_output=True, text=True, cwd=PACKAGE.parent,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert {"demo", "run"} <= set(re.findall(r"\w+", done.stdout))


@pytest.mark.parametrize("name", sorted(interp._HOME))
def test_public_name_is_importable(name):
    assert getattr(interp, name) is getattr(sys.modules[f"interp.{interp._HOME[name]}"], name)
    assert name in interp.__all__ and name in dir(interp)


def test_all_is_the_names_of_the_design_and_no_module_shadows_one():
    wanted = (
        "load_rows, QARow, load_model, generate_answers, resolve_positions, ROLES, capture, capture_from_cache, "
        "attention_metrics, probe_grid, attention_grid, join_grids, compare_grids, observations, plot_grid, "
        "plot_comparison, plot_heads, run, open_run"
    )
    assert set(wanted.split(", ")) <= set(interp.__all__)
    assert len(set(interp.__all__)) == len(interp.__all__)
    assert {path.stem for path in PACKAGE.glob("*")}.isdisjoint(interp.__all__)


def test_type_checkers_see_the_names_that_are_served_at_run_time():
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {alias.name: node.module for node in block.body for alias in node.names}
    assert seen == {name: f"interp.{home}" for name, home in interp._HOME.items()}


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'probe_gird'"):
        _ = interp.probe_gird


def test_every_import_is_a_declared_dependency():
    """So that it stays there when a dependency drops a dependency of its own."""
    project = (PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8")
    declared = {name.replace("-", "_") for name in re.findall(r'"([a-z0-9-]+?)(?:\[[a-z,]+\])?(?:[<>=].*?)?"', project)}
    imported = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add(node.module.split(".")[0])
    renamed = {"sklearn": "scikit_learn", "vl_convert": "vl_convert_python"}
    third_party = {renamed.get(name, name) for name in imported - set(sys.stdlib_module_names) - {"interp"}}
    assert {"torch", "transformer_lens", "scikit_learn"} <= third_party
    assert third_party <= declared


def unsafe(source: str) -> list[str]:
    """Imports and calls that would execute what they read."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = {alias.name.split(".")[0] for alias in node.names} | {getattr(node, "module", None)}
            found += [f"import {name}" for name in sorted({"pickle", "dill", "cloudpickle", "shelve"} & names)]
        elif isinstance(node, ast.Call):
            call = ast.unparse(node.func)
            if call in {"eval", "exec", "torch.load", "joblib.load", "np.load", "numpy.load", "pd.read_pickle"}:
                found.append(call)
    return found


def test_nothing_that_is_read_is_executed():
    assert unsafe("import pickle\nfrom torch import load\nx = eval('1')\ntorch.load(f)") == [
        "import pickle", "eval", "torch.load",
    ]  # fmt: skip
    for path in PACKAGE.rglob("*.py"):
        assert unsafe(path.read_text(encoding="utf-8")) == [], path
