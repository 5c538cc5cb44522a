"""HTML of a notebook's repr read back: what is not nested, or could do anything, fails; and hostile texts to try."""

from html.parser import HTMLParser
from typing import NamedTuple

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</td></tr></table></details></div></style><b>out",
    "\x1b[31mred\x1b[0m",
    "half \ud800 a pair",
    "\u202egnp.exe",
    "&lt;b&gt; &amp; &#60;i&#62;",
    "nul \0 and bell \a",
    "two\nlines",
    "long " * 200,
)
TAGS = {"div", "style", "strong", "span", "details", "summary", "small", "table", "thead", "tbody", "tr", "th", "td"}
TAGS |= {"p", "mark", "sup"}
ATTRIBUTES = {"class", "dir", "open", "scope", "title"}


class Section(NamedTuple):
    title: str
    note: str
    opened: bool
    rows: list[list[str]]
    """Of all its tables, their heads too."""
    paragraphs: list[str]


class Page(HTMLParser):
    """What a repr says: its `line`, its `sections` by title, the `text` of it all, and what is `marked`."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.path: list[str] = []
        self.line: list[str] = []
        self.sections: dict[str, Section] = {}
        self.text, self.marked = "", []
        self.into: list[str] = []
        page.encode("utf-8")  # a notebook is saved as UTF-8
        self.feed(page)
        self.close()
        assert not self.path, f"never closed: {self.path}"

    def handle_starttag(self, tag, attrs):
        assert tag in TAGS, tag
        assert {name for name, _ in attrs} <= ATTRIBUTES, attrs
        assert self.path or tag == "div", "one box"
        if tag == "tr":
            assert self.path[-1] in ("thead", "tbody")
            self._last().rows.append([])
        elif tag in ("td", "th"):
            assert self.path[-1] == "tr"
            self._last().rows[-1].append("")
        elif tag == "details":
            self.opening = Section("", "", "open" in dict(attrs), [], [])
        elif tag in ("span", "strong") and "details" not in self.path:
            self.line.append("")
        elif tag == "p":
            self._last().paragraphs.append("")
        elif tag == "mark":
            self.marked.append("")
        self.path.append(tag)

    def handle_endtag(self, tag):
        assert self.path and self.path[-1] == tag, f"</{tag}> in {self.path}"
        self.path.pop()
        if tag == "summary":
            assert self.opening.title not in self.sections
            self.sections[self.opening.title] = self.opening

    def handle_data(self, data):
        if "style" in self.path:
            return
        self.text += data
        if "summary" in self.path:
            name = "note" if self.path[-1] == "small" else "title"
            self.opening = self.opening._replace(**{name: getattr(self.opening, name) + data})
        elif "tr" in self.path:
            self._last().rows[-1][-1] += data
        elif "p" in self.path:
            self._last().paragraphs[-1] += data
        elif self.path[-1] in ("span", "strong"):
            self.line[-1] += data
        if "mark" in self.path and "sup" not in self.path:
            self.marked[-1] += data

    def handle_comment(self, data):
        raise AssertionError(data)

    handle_decl = handle_pi = unknown_decl = handle_comment

    def _last(self) -> Section:
        return list(self.sections.values())[-1]


def read(thing: object) -> Page:
    """The repr of a result, checked: nested, small, the same every time, without anything that is run or fetched."""
    page = thing._repr_html_()
    assert page == thing._repr_html_()
    assert len(page.encode("utf-8")) < 60_000
    lower = page.lower()
    assert not any(text in lower for text in ("<script", "url(", "@import", "http:", "https:", "javascript:"))
    assert not any(ord(sign) < 32 and sign != "\n" for sign in page)
    return Page(page)
