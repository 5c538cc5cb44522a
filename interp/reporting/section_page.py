"""Sections of experiments as HTML: inside a run's report, or as a page of their own."""

import json
from base64 import b64encode
from collections.abc import Iterable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from interp.errors import RunError, visible
from interp.reporting.section import Entry, Section, Table
from interp.support.stored import read_text
from interp.support.units import decimal


def template(name: str) -> Template:
    """A page's template; every text that it is given is `visible` and escaped, and one that it lacks is an error."""
    pages = Environment(
        loader=PackageLoader("interp.reporting", "."),
        autoescape=True,
        finalize=_seen,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    pages.globals["decimal"] = decimal
    return pages.get_template(name)


def _seen(value: Any) -> Any:
    """A text that turns or hides nothing of the page around it; what is HTML or a script already stays as it is."""
    return visible(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def style() -> str:
    """The style sheet of every page; it holds no text of the data."""
    room = files("interp.reporting")
    return "".join(room.joinpath(name).read_text(encoding="utf-8") for name in ("explore.css", "style.css"))


def page_html(title: str, sections: Sequence[Section], folder: Path) -> str:
    """A self-contained page: its own policy forbids the network and every script. `folder` holds the figures."""
    return template("page.html.j2").render(title=title, style=style(), sections=section_views(sections, folder))


def section_views(sections: Iterable[Section], folder: Path) -> list[dict[str, Any]]:
    """What the template draws of each section. Raises RunError where a figure is missing."""
    return [
        {
            "name": section.name,
            "title": section.title,
            "sentences": section.sentences,
            "tables": [_table(table) for table in section.tables],
            "figures": [
                picture(_read(folder / f"{p.name}.svg", section.name), p.caption, wide=p.wide) for p in section.pictures
            ],
            "settings": [(name, _value(value)) for name, value in section.settings.items()],
        }
        for section in sections
    ]


def picture(svg: str, caption: str, *, wide: bool = False) -> dict[str, Any]:
    """An SVG as a picture: inside an image no script runs and no ids of two figures collide."""
    source = "data:image/svg+xml;base64," + b64encode(svg.encode()).decode()
    return {"source": source, "caption": caption, "wide": wide}


def _table(table: Table) -> dict[str, Any]:
    """Columns of numbers stand at the right."""
    numbers = [
        any(isinstance(row[i], float | int) for row in table.rows)
        and not any(isinstance(row[i], str) for row in table.rows)
        for i in range(len(table.columns))
    ]
    return {
        "caption": table.caption,
        "columns": [{"name": name, "number": number} for name, number in zip(table.columns, numbers, strict=True)],
        "rows": [[_shown(entry) for entry in row] for row in table.rows],
    }


def _shown(entry: Entry) -> str:
    return decimal(entry, 2) if entry is None or isinstance(entry, float) else str(entry)


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _read(path: Path, section: str) -> str:
    try:
        return read_text(path)
    except (OSError, ValueError) as error:
        raise RunError(f"{path}: the figure of {section!r} cannot be read ({error}); make it again") from error
