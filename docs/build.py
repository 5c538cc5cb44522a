"""Makes what is written from the code: the pages of docs/reference/, and the table of rooms in CONTRIBUTING.

    python docs/build.py           # writes them
    python docs/build.py --check   # writes nothing, and fails if one of them is not as it would be written

Checked by `pytest tests/package/test_reference.py`.
"""

import argparse
from pathlib import Path

import reference
import rooms
from reference import ROOT


def made() -> dict[Path, str]:
    """Every file that is written from the code, by its path in the repository."""
    return reference.pages() | rooms.pages()


def stale(files: dict[Path, str]) -> list[str]:
    """Files that are not as they would be written, and pages that nothing writes any more."""
    there = {path.relative_to(ROOT) for path in (ROOT / "docs" / "reference").glob("*")}
    changed = {path for path, text in files.items() if path in there | {Path("CONTRIBUTING.md")} and read(path) != text}
    return sorted(map(str, changed | (there ^ {path for path in files if path.parent.name == "reference"})))


def read(path: Path) -> str:
    """A file of the repository."""
    return (ROOT / path).read_text(encoding="utf-8")


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--check", action="store_true", help="write nothing; fail if a file is stale")
    return options


def main() -> None:
    """Write the files, or say which are stale."""
    args, files = arguments().parse_args(), made()
    if args.check:
        if found := stale(files):
            raise SystemExit(f"run `make docs`: {', '.join(found)}")
        return
    for name in stale(files):
        path = ROOT / name
        if Path(name) in files:
            path.parent.mkdir(exist_ok=True)
            path.write_text(files[Path(name)], encoding="utf-8")
        else:
            path.unlink()
        print(name)


if __name__ == "__main__":
    main()
