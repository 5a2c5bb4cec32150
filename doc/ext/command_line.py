# SPDX-License-Identifier: Apache-2.0
"""Commands as reStructuredText, from their parsers."""

import argparse
import re
from collections.abc import Iterator

# Below such a line, which ends its paragraph, stands what is to be copied.
_HEADINGS = ("Example:", "Examples:")
# cliff's options for the form of what is printed, which all commands have: groups of these names.
_OF_EVERY_COMMAND = re.compile(r"output formatters|\w+ formatter", re.IGNORECASE)
_MARKUP = re.compile(r"(``.*?``)|([\\*`|_])", re.DOTALL)


def commands(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """The parsers of all commands that do something, also of commands that have commands."""
    for action in parser._actions:  # Nothing public tells what a parser has.
        if isinstance(action, argparse._SubParsersAction):
            for name in dict.fromkeys(action.choices):
                yield from list(commands(action.choices[name])) or [action.choices[name]]


def lines(parser: argparse.ArgumentParser) -> Iterator[str]:
    """One command: a section with its description, its usage, and its arguments."""
    yield f".. _{re.sub('[^a-z0-9]+', '-', parser.prog)}:"
    yield ""
    yield parser.prog
    yield "-" * len(parser.prog)
    yield ""
    for paragraph in (parser.description or "").strip().split("\n\n"):
        yield from _paragraph([line.strip() for line in paragraph.splitlines()])
    yield ".. code-block:: console"
    yield ""
    yield f"   $ {_usage(parser)}"
    yield ""
    formatter = parser._get_formatter()
    for action in _own(parser):
        yield f"``{formatter._format_action_invocation(action)}``"
        yield f"   {_escaped(formatter._expand_help(action) if action.help else '')}".rstrip()
        yield ""


def _paragraph(told: list[str]) -> Iterator[str]:
    end = next((at for at, line in enumerate(told) if line in _HEADINGS), len(told))
    yield from map(_escaped, told[:end])
    yield ""
    if end < len(told):
        yield f"{told[end]}:"
        yield ""
        yield from (f"   {line}" for line in told[end + 1 :])
        yield ""


def _own(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """What a command takes besides what all take."""
    others = {
        action
        for group in parser._action_groups
        if _OF_EVERY_COMMAND.fullmatch(group.title or "")
        for action in group._group_actions
    }
    return [
        action
        for action in parser._actions
        if action not in others
        and not isinstance(action, argparse._HelpAction)
        and action.help != argparse.SUPPRESS
    ]


def _usage(parser: argparse.ArgumentParser) -> str:
    """On one line, for how wide a terminal is must not change the documentation."""
    formatter = argparse.HelpFormatter(parser.prog)
    groups = parser._mutually_exclusive_groups
    formatter.add_usage(None, _own(parser), groups, prefix="")
    return " ".join(formatter.format_help().split())


def _escaped(text: str) -> str:
    """Text in which nothing is markup but literals."""
    return _MARKUP.sub(lambda found: found[1] or f"\\{found[2]}", text)
