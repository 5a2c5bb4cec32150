# SPDX-License-Identifier: Apache-2.0
import argparse

from doc.ext import command_line


def _parser():
    parser = argparse.ArgumentParser(prog="tool")
    commands = parser.add_subparsers()
    show = commands.add_parser(
        "show", description="Show *one* of ``these``.\n\nExample:\ntool show x"
    )
    show.add_argument("thing", metavar="THING", help="its name_ (default: %(default)s)")
    show.add_argument("--secret", help=argparse.SUPPRESS)
    printed = show.add_argument_group("output formatters")
    printed.add_argument("-f", help="as every command has it")
    show.add_argument_group("CSV Formatter").add_argument("--quote", help="as every list has it")
    jobs = commands.add_parser("job").add_subparsers()
    jobs.add_parser("list").add_argument("--limit", type=int, metavar="N")
    jobs.add_parser("cancel")
    return parser


def test_commands_of_commands_are_commands():
    found = [each.prog for each in command_line.commands(_parser())]
    assert found == ["tool show", "tool job list", "tool job cancel"]


def test_a_command():
    show, *_others = command_line.commands(_parser())
    assert list(filter(None, command_line.lines(show))) == [
        ".. _tool-show:",
        "tool show",
        "---------",
        "Show \\*one\\* of ``these``.",
        "Example::",
        "   tool show x",
        ".. code-block:: console",
        "   $ tool show THING",
        "``THING``",
        "   its name\\_ (default: None)",
    ]


def test_an_option_without_help():
    _show, jobs, _cancel = command_line.commands(_parser())
    text = "\n".join(command_line.lines(jobs))
    assert "   $ tool job list [--limit N]\n" in text
    assert text.endswith("``--limit N``\n\n")
