"""The parser of the command line: every command with a description and an example, an error in one sentence."""

import argparse
from collections.abc import Callable, Sequence
from textwrap import fill
from typing import Any, NoReturn, TypeVar

from interp.errors import visible
from interp.support.messages import nearest

T = TypeVar("T")
WIDTH = 100


class Parser(argparse.ArgumentParser):
    """argparse's, which keeps the lines of an example, and names the nearest option of one that it does not know."""

    def __init__(self, *, description: str, **options: Any) -> None:
        options |= {"description": fill(description, WIDTH), "formatter_class": argparse.RawDescriptionHelpFormatter}
        super().__init__(**options)
        self.register("type", int, _whole)
        self.register("type", float, _number)
        self.commands: dict[str, Parser] = {}
        self.given: Sequence[str] = ()
        """The words that are being parsed."""

    def add_command(
        self, group: Any, name: str, *, summary: str | None, description: str, example: str, **defaults: Any
    ) -> "Parser":
        """A command of the `group` of subparsers; without a `summary` it works, but no help lists it."""
        listed = {} if summary is None else {"help": summary}
        command = group.add_parser(name, description=description, epilog=f"example:\n  {example}", **listed)
        command.set_defaults(parser=command, **defaults)
        self.commands[name] = command
        return command

    def parse(self, words: Sequence[str]) -> argparse.Namespace:
        """`parse_args`; what is not known ends the program with status 2, and the nearest is named."""
        for command in self.commands.values():
            command.given = words
        if words and not words[0].startswith("-") and words[0] not in self.commands:
            self.error(f"there is no command {words[0]!r}{nearest(words[0], self.commands)}")
        args, unknown = self.parse_known_args(words)
        if unknown:
            getattr(args, "parser", self).error(f"unrecognized arguments: {' '.join(unknown)}")
        return args

    def error(self, message: str) -> NoReturn:
        """The message, with the nearest of a misspelt option, in one sentence; then the program ends."""
        options = [option for action in self._actions for option in action.option_strings]
        words = (word.partition("=")[0] for word in self.given if word.startswith("--"))
        unknown = (word for word in words if not any(option.startswith(word) for option in options))
        hint = next(filter(None, (nearest(word, options) for word in unknown)), "")
        self.exit(2, visible(f"{self.prog}: error: {message}{hint} (`{self.prog} --help` says what there is)\n"))


def _whole(text: str) -> int:
    return _read(text, int, "a whole number")


def _number(text: str) -> float:
    return _read(text, float, "a number")


def _read(text: str, kind: Callable[[str], T], what: str) -> T:
    try:
        return kind(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected {what}, got {text!r}") from None
