"""The parser of the command line: examples keep their lines, old names work unlisted, errors are one sentence."""

import pytest

from interp.command.parser import WIDTH, Parser

LONG = "Probe every layer and every token of a finished run, and " + "say how sure that is, " * 8 + "in one table."


@pytest.fixture
def parser() -> Parser:
    parser = Parser(prog="interp", description=LONG)
    group = parser.add_subparsers(metavar="COMMAND")
    probe = parser.add_command(
        group,
        "probe",
        summary="probe a run",
        description=LONG,
        example="interp probe out --folds 3\n  interp probe out  # again",
        function="probing",
    )
    probe.add_argument("out")
    probe.add_argument("--folds", type=int, default=5)
    probe.add_argument("--permutations", type=int)
    probe.add_argument_group("drawing").add_argument("--top-p", type=float)
    parser.add_command(group, "old", summary=None, description="The old name.", example="interp old", function="aged")
    return parser


def said(parser: Parser, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit) as ended:
        parser.parse(words)
    out, err = capsys.readouterr()
    assert ended.value.code == 2 and not out
    (line,) = err.splitlines()
    return line


def test_what_is_given_arrives_with_the_commands_own_defaults(parser):
    args = parser.parse(["probe", "out", "--folds", "3"])
    assert (args.out, args.folds, args.permutations, args.function) == ("out", 3, None, "probing")
    assert args.parser is parser.commands["probe"] and list(parser.commands) == ["probe", "old"]


def test_a_command_without_a_summary_works_but_is_not_listed(parser):
    assert parser.parse(["old"]).function == "aged"
    listed = parser.format_help()
    assert "probe a run" in listed and "old" not in listed.replace("{probe,old}", "")


def test_help_fills_the_description_and_keeps_the_lines_of_the_example(parser):
    text = parser.commands["probe"].format_help()
    assert "\nexample:\n  interp probe out --folds 3\n  interp probe out  # again\n" in text
    description = text.split("\n\n")[1]
    assert description.split() == LONG.split() and WIDTH / 2 < max(map(len, description.splitlines())) <= WIDTH


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ["prode"],
            "interp: error: there is no command 'prode'; did you mean 'probe'? (`interp --help` says what there is)",
        ),
        (["zebra"], "interp: error: there is no command 'zebra' (`interp --help` says what there is)"),
        (
            ["probe", "out", "--flods", "3"],
            "interp probe: error: unrecognized arguments: --flods 3; did you mean '--folds'? "
            "(`interp probe --help` says what there is)",
        ),
        (
            ["probe", "out", "--flods=3"],
            "interp probe: error: unrecognized arguments: --flods=3; did you mean '--folds'? "
            "(`interp probe --help` says what there is)",
        ),
        (
            ["probe", "out", "more"],
            "interp probe: error: unrecognized arguments: more (`interp probe --help` says what there is)",
        ),
        (
            ["probe", "--permutatoins=3"],  # the folder is missed first, and the hint is there all the same
            "interp probe: error: the following arguments are required: out; did you mean '--permutations'? "
            "(`interp probe --help` says what there is)",
        ),
        *(
            (
                ["probe", "out", *words],
                f"interp probe: error: argument {name}: expected {what}, got 'many' "
                "(`interp probe --help` says what there is)",
            )
            for words, name, what in (
                (["--folds", "many"], "--folds", "a whole number"),
                (["--folds=many"], "--folds", "a whole number"),
                (["--top-p", "many"], "--top-p", "a number"),
            )
        ),
    ],
)
def test_what_is_not_known_ends_the_program_and_the_nearest_is_named(parser, capsys, words, sentence):
    assert said(parser, capsys, *words) == sentence
