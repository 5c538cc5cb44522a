"""Makes the tables of the docs anew: each stands under the line that says by which command and at which commit.

    python docs/remake.py --list                      # every table: document, command, commit, minutes
    python docs/remake.py docs/solver.md              # the commands of one document, one after the other
    python docs/remake.py docs/capture.md --only gemma

The line is: Made by `COMMAND` at commit `HASH`, in N min.
A command that prints several tables: Made by `COMMAND` (table 2) at commit …
What the command prints replaces the table below the line; commit and minutes become today's. Sentences around a table
are left as they are: read them again. A command that names a run folder needs that run (the document says how it is
made). Commands run one after the other, on a machine that is otherwise quiet.
"""

import argparse
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

ROOT = Path(__file__).resolve().parents[1]
MADE = re.compile(
    r"Made by `(?P<command>[^`]+)`(?: \(table (?P<number>\d+)\))? at commit `(?P<commit>[0-9a-f]{7,40})`(?P<rest>.*)"
)
CODE = ("interp", "benchmarks", "docs/remake.py")
"""What a table depends on: it has to be committed before a table can name its commit."""


@dataclass(frozen=True)
class Table:
    """A table of a document; lines are counted from 0."""

    first: int
    last: int
    """The line after it."""
    made: int | None
    """The line that says how it was made: the last text above it."""

    def rows(self, lines: Sequence[str]) -> list[list[str]]:
        """Its cells, without header and rule."""
        return [
            [cell.strip() for cell in line.strip().strip("|").split("|")] for line in lines[self.first + 2 : self.last]
        ]


def documents() -> list[Path]:
    """Every document that may hold a table."""
    below = [path for folder in ("docs", "interp") for path in sorted((ROOT / folder).rglob("*.md"))]
    return [*sorted(ROOT.glob("*.md")), *below]


def tables(lines: Sequence[str]) -> Iterator[Table]:
    """The tables of a document, or of what a command printed; not those in code blocks."""
    at, fenced = 0, False
    while at < len(lines):
        fenced ^= lines[at].startswith("```")
        if fenced or not lines[at].startswith("|"):
            at += 1
            continue
        first = at
        while at < len(lines) and lines[at].startswith("|"):
            at += 1
        above = next((line for line in range(first - 1, -1, -1) if lines[line].strip()), None)
        made = above if above is not None and MADE.fullmatch(lines[above]) else None
        yield Table(first, at, made)


def remade(text: str, command: str, printed: str, *, commit: str, minutes: float) -> str:
    """The document with the tables of this command as it printed them. Raises ValueError if one is not there."""
    lines, fresh = text.splitlines(), printed.splitlines()
    new = [fresh[table.first : table.last] for table in tables(fresh)]
    for table in reversed(list(tables(lines))):
        found = None if table.made is None else MADE.fullmatch(lines[table.made])
        if table.made is None or found is None or found["command"] != command:
            continue
        number = int(found["number"] or 1)
        if number > len(new):
            raise ValueError(f"{command} printed {len(new)} tables; line {table.made + 1} wants table {number}")
        lines[table.first : table.last] = new[number - 1]
        place = f" (table {number})" if found["number"] else ""
        lines[table.made] = f"Made by `{command}`{place} at commit `{commit}`, in {max(1, round(minutes))} min."
    return "\n".join(lines) + "\n"


def lacking(command: str) -> list[str]:
    """Run folders and files that the command names and that are not there."""
    named = [word for word in shlex.split(command)[2:] if "/" in word and not word.startswith("-")]
    return [word for word in named if not (ROOT / word).exists() and "--keep" not in command]


def output(command: str) -> str:
    """What the command prints. Raises SystemExit if it fails."""
    program, *rest = shlex.split(command)
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    call = [sys.executable if program == "python" else program, *rest]
    done = subprocess.run(call, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(f"{command} ended with status {done.returncode}")
    return done.stdout


def git(*arguments: str) -> str:
    """What git says."""
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("documents", nargs="*", type=Path, help="Markdown files (default: all)")
    options.add_argument("--only", default="", metavar="PATTERN", help="of the commands: a regular expression")
    options.add_argument("--list", action="store_true", help="say what there is, and run nothing")
    return options


def main() -> None:
    """Run the commands of the documents and put what they print in its place."""
    args = arguments().parse_args()
    if not args.list and git("status", "--porcelain", "--", *CODE):
        raise SystemExit("commit interp/ and benchmarks/ first: a table names the commit that made it")
    for path in [ROOT / path for path in args.documents] or documents():
        lines = path.read_text(encoding="utf-8").splitlines()
        made = [found for line in lines if (found := MADE.fullmatch(line)) and re.search(args.only, found["command"])]
        for command in dict.fromkeys(found["command"] for found in made):
            missing = lacking(command)
            if args.list:
                lines_of = [found for found in made if found["command"] == command]
                rest = lines_of[0]["rest"].strip(" ,.")
                needs = f"; needs {', '.join(missing)}" if missing else ""
                print(f"{path.relative_to(ROOT)}: {command} at {lines_of[0]['commit']} {rest}{needs}")
            elif missing:
                print(
                    f"{path.relative_to(ROOT)}: {command} left out, {', '.join(missing)} is not there", file=sys.stderr
                )
            else:
                started = monotonic()
                printed = output(command)
                minutes = (monotonic() - started) / 60
                text = remade(
                    path.read_text(encoding="utf-8"),
                    command,
                    printed,
                    commit=git("rev-parse", "--short", "HEAD"),
                    minutes=minutes,
                )
                path.write_text(text, encoding="utf-8")
                print(f"{path.relative_to(ROOT)}: {command}, {minutes:.1f} minutes", flush=True)


if __name__ == "__main__":
    main()
