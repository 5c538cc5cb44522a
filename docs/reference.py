"""The API reference: every public name on the page of its step of the data flow, from signatures and docstrings."""

import ast
import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from wording import (
    default_of,
    default_of_field,
    docstrings_of_fields,
    markdown,
    signature,
    table,
    under_assignments,
    words,
)

import interp
from interp.support.explained import by_group

ROOT = Path(__file__).resolve().parents[1]
WRITTEN = "<!-- Written by `make docs` from the docstrings in interp/: change those. -->\n\n"


@dataclass(frozen=True)
class Step:
    """A page: what it is called, what it says first, and the modules whose public names stand on it."""

    page: str
    title: str
    about: str
    modules: tuple[str, ...]


POSITIONS = ("capturing.positions", "capturing.roles", "capturing.pool")
STEPS = (
    Step("rows", "Rows", "What is asked: questions with their accepted answers.", ("data",)),
    Step("models", "Models", "What is asked them: a language model with hooks.", ("models",)),
    Step("answers", "Answers", "From rows and a model to completions, labels and exact answers.", ("labelling",)),
    Step("positions", "Positions", "Which tokens a column names.", POSITIONS),
    Step("capture", "Capture", "Residual vectors and attention metrics at the positions.", ("capturing",)),
    Step("grids", "Grids", "A probe for every layer and token: of states, of attention, of both.", ("grids",)),
    Step("controls", "Controls", "What else explains a bright cell; is there signal at all?", ("controls",)),
    Step("comparing", "Comparing", "Where two grids, or two runs, differ; the five observations.", ("comparing",)),
    Step("applying", "Applying", "Probes as tools: kept, used in hooks, with thresholds.", ("applying",)),
    Step("figures", "Figures", "What is drawn, on matplotlib's Axes.", ("reporting",)),
    Step("runs", "Runs", "The whole flow in a folder that survives a crash.", ("planning", "running", "runs")),
    Step("experiments", "Experiments", "What a run's answers tell beyond its grids.",
         ("experiments.detecting", "experiments.transferring", "experiments.error_types", "experiments.choosing",
          "experiments.intervening", "experiments.lens")),
    Step("paper", "The paper", "The code of Orgad et al. (2025), decision for decision.", ("experiments",)),
    Step("errors", "Errors", "What `interp` raises on purpose: one sentence that says what to do.", ("errors",)),
)  # fmt: skip


def step_of(module: str) -> Step:
    """The page of a module: the one that names it, or its room."""
    for prefix in (module, module.rpartition(".")[0], module.split(".")[0]):
        for step in STEPS:
            if prefix in step.modules:
                return step
    raise ValueError(f"interp.{module} is of no step: add its room to STEPS")


def pages() -> dict[Path, str]:
    """Every page of docs/reference/, by its path in the repository."""
    on_page: dict[Step, list[str]] = {step: [] for step in STEPS}
    for name in interp.__all__:
        on_page[step_of(interp._HOME.get(name, "errors"))].append(name)
    for names in on_page.values():
        names.sort(key=lambda name: (not inspect.isfunction(getattr(interp, name)), name))  # functions first
    folder = Path("docs/reference")
    index = [
        f"{WRITTEN}# API reference\n\nEvery public name, by step of the data flow. A parameter's sentence is the "
        f"same in every function that takes it; `help(interp.probe_grid)` shows them too.\n"
    ]
    made = {}
    for step, names in on_page.items():
        index.append(f"\n## [{step.title}]({step.page}.md)\n\n{step.about}\n\n")
        index += [f"- [`{name}`]({step.page}.md#{slug(heading(name))}): {summary(name)}\n" for name in names]
        body = "\n".join(part for name in names for part in entry(name))
        made[folder / f"{step.page}.md"] = f"{WRITTEN}# {step.title}\n\n{step.about}\n\n{body}"
    return {folder / "README.md": "".join(index), **made}


def summary(name: str) -> str:
    """The first sentence about a public name."""
    return text_of(name).split("\n\n")[0].replace("\n", " ")


def heading(name: str) -> str:
    """A public name's heading; a class says so, since `Capture` and `capture` would share an anchor."""
    return f"class interp.{name}" if inspect.isclass(getattr(interp, name)) else f"interp.{name}"


def slug(heading: str) -> str:
    """The anchor that a heading has on GitHub."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def entry(name: str) -> Iterator[str]:
    """A public name's part of its page."""
    value, path = getattr(interp, name), home(name)
    yield f"## {heading(name)}\n\nIn [`{path}`](../../{path}).\n"
    if inspect.isfunction(value):
        yield from of_function(value, f"interp.{name}")
    elif inspect.isclass(value):
        yield from of_class(value)
    else:
        yield f"{text_of(name)}\n\n{', '.join(f'`{one}`' for one in value)}\n"


def of_function(function: Callable[..., Any], called: str) -> Iterator[str]:
    """Signature, text, and parameters by group."""
    yield f"```py\n{signature(function, called)}\n```\n\n{markdown(inspect.cleandoc(function.__doc__ or ''))}"
    shown = inspect.signature(function).parameters
    if groups := by_group(function):
        rows = []
        for group, entries in groups.items():
            rows.append((f"*{group}*", "", "", ""))
            rows += [(f"`{n}`", words(shown[n].annotation), default_of(shown[n]), told) for n, told in entries.items()]
        yield table(("parameter", "type", "default", "what it is"), rows)


def of_class(kind: type) -> Iterator[str]:
    """Text, fields, and whatever is public in it."""
    yield markdown(inspect.cleandoc(kind.__doc__ or ""))
    if is_dataclass(kind):
        told = docstrings_of_fields(kind)
        yield table(
            ("field", "type", "default", "what it is"),
            [(f"`{one.name}`", words(one.type), default_of_field(one), told.get(one.name, "")) for one in fields(kind)],
        )
    for name, member in members(kind).items():
        inner = getattr(member, "__func__", member)
        yield f"### {kind.__name__}.{name}\n"
        if isinstance(member, property | cached_property):
            getter: Any = member.fget if isinstance(member, property) else member.func
            kind_of = words(inspect.signature(getter).return_annotation)
            yield f"{kind_of}. {markdown(inspect.cleandoc(getter.__doc__ or ''))}"
        else:
            yield from of_function(inner, f"{kind.__name__}.{name}")


def members(kind: type) -> dict[str, Any]:
    """What is public in a class and its bases of ours, without its fields."""
    own = {one.name for one in fields(kind)} if is_dataclass(kind) else set()
    found: dict[str, Any] = {}
    for base in reversed(kind.__mro__):
        if base.__module__.startswith("interp."):
            found |= {n: held for n, held in vars(base).items() if not n.startswith("_") and n not in own}
    return {n: one for n, one in found.items() if isinstance(one, property | cached_property) or is_function(one)}


def is_function(member: Any) -> bool:
    """A method, of the class or of its instances."""
    return inspect.isfunction(getattr(member, "__func__", member))


def text_of(name: str) -> str:
    """The docstring of a public name; of a value, the one under its assignment."""
    value = getattr(interp, name)
    if inspect.isfunction(value) or inspect.isclass(value):
        return inspect.cleandoc(value.__doc__ or "")
    return under_assignments(ast.parse((ROOT / home(name)).read_text(encoding="utf-8")).body).get(name, "")


def home(name: str) -> Path:
    """The file that defines a public name, in the repository."""
    value = getattr(interp, name)
    module = getattr(value, "__module__", None) or f"interp.{interp._HOME[name]}"
    path = Path(*module.split(".")).with_suffix(".py")
    for line in ast.parse((ROOT / path).read_text(encoding="utf-8")).body:  # a value that is only passed on
        if isinstance(line, ast.ImportFrom) and line.module and any(alias.name == name for alias in line.names):
            return Path(*line.module.split(".")).with_suffix(".py")
    return path
