"""The first line of a short answer: where it stands in a completion."""

import re

# NUL stands where a special token was: it is space at the beginning, and ends a line.
_LINE = re.compile(
    r"""
    (?: [\s\0] | ```\w*[ \t]*(?=\n) )*                             # blank lines, and the head of a code block
    (?:
        (?: [-•>][-*•>]*[ ]+ | [#*_][ ]* )*
        (?: (?:the[ ])? (?:(?:final|correct|short|right)[ ])* (?:answer|words|response)(?:[ ]is)? | ans | a )
        (?: [*_]*\s*[:：][*_]* | [*_]*[ ]*(?=\n)(?<=[*_]) ) [\s\0]*
      | \#+ [ ]* (?:final[ ]|correct[ ]|short[ ])? answer [ \t]*\n [\s\0]*       # ## Answer
      | [-•][ ]+ | \*[ ]+
    )?
    (?P<line> [^\s\0][^\n\r\v\f\0\x85\u2028\u2029]* )
    """,
    re.IGNORECASE | re.VERBOSE,
)
_QUOTES = "\"'`´“”„‟‘’‚‛«»‹›「」『』*_"
_FINAL = ".,;:!?…。．，、；：！？"


def first_line(text: str) -> tuple[int, int] | None:
    """Characters of the first line that is not blank, without a leading `Answer:`, `The answer is:` or `A:`,
    or the marks of a list or a heading."""
    match = _LINE.match(text)
    if match is None:
        return None
    begin, end = match.span("line")
    return begin, begin + len(text[begin:end].rstrip())


def short_answer(text: str) -> tuple[int, int] | None:
    """The same without quotes (or Markdown emphasis) around it and punctuation after it, unless it is nothing else."""
    line = first_line(text)
    if line is None:
        return None
    begin, end = line
    trimmed = text[begin:end].rstrip(_QUOTES + _FINAL + " \t")
    trimmed_start = begin + len(trimmed) - len(trimmed.lstrip(_QUOTES + " \t"))
    return (trimmed_start, begin + len(trimmed)) if trimmed_start < begin + len(trimmed) else line
