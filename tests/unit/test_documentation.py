# SPDX-License-Identifier: Apache-2.0
"""The documentation names what is there, and all that can be set, called and run.

(That it can be built, with every link inside of it, is for ``devstack/pocket test`` to see.)
"""

import importlib.metadata
import re
from pathlib import Path

from doc.ext import sources
from ims_glance import conf as ims_conf
from ims_glance.api.ims import policy
from ims_glance.api.ims.operations import OPERATIONS
from tests.unit.test_imports import ALLOWED

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "doc/source").rglob("*.rst"))
MARKDOWN = [*ROOT.glob("*.md"), ROOT / "devstack/README.md", ROOT / "tests/README.md"]
TEXTS = [*PAGES, *MARKDOWN]
# Where paths may begin that the documentation names.
PLACES = (ROOT, ROOT / "ims_glance")
# What there is only when something has been made.
MADE = re.compile(r"\.pocket|doc/build|releasenotes/build")

_LITERAL = re.compile(r"``(?P<rst>[^`]+)``|(?<!`)`(?P<md>[^`\n]+)`(?!`)")
_PATH = re.compile(r"[\w.-]+(/[\w.-]+)*/?")
_LINK = re.compile(r"\]\((?!https?:)(?P<target>[^)#]+)")
_OPTION = re.compile(r"\[(?P<group>ims_\w+)\]\s+(?P<name>[a-z]\w+)")
_CLIENT = re.compile(r"openstack ims (?P<noun>[a-z]+) (?P<verbs>[a-z|-]+)")
_CODE = re.compile(r"IMG\.\d{4}")


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _arguments(directive: str) -> list[str]:
    """What a directive is called with, on all pages."""
    found = (
        re.findall(rf"^\.\. {directive}:: (\w+)$", page.read_text(), re.MULTILINE) for page in PAGES
    )
    return [each for page in found for each in page]


def _page(name: str) -> str:
    return (ROOT / "doc/source" / name).read_text()


def test_all_options_are_there() -> None:
    assert ".. show-options::\n\n   ims_glance\n" in _page("admin/configuration.rst")
    (point,) = importlib.metadata.entry_points(group="oslo.config.opts", name="ims_glance")
    assert point.load() is ims_conf.list_opts


def test_all_policies_are_there() -> None:
    assert ".. show-policy::\n   :config-file: policy-generator.conf" in _page("admin/policy.rst")
    assert "namespace = ims_glance\n" in _page("policy-generator.conf")
    (point,) = importlib.metadata.entry_points(group="oslo.policy.policies", name="ims_glance")
    assert point.load() is policy.list_rules


def test_all_commands_of_operators_are_there() -> None:
    assert "\n.. ims-manage-commands::\n" in _page("admin/ims-manage.rst")


def test_all_commands_of_the_client_are_there() -> None:
    points = importlib.metadata.entry_points(group=sources.CLIENT)
    nouns = {point.name.split("_")[1] for point in points}
    assert sorted(_arguments("ims-client-commands")) == sorted(nouns)


def test_all_operations_are_there_once() -> None:
    nouns = _arguments("ims-operations")
    documents = [path for noun in nouns for path in sources.operations(noun)["paths"].values()]
    described = [one["operationId"] for methods in documents for one in methods.values()]
    assert sorted(described) == sorted(operation.name for operation in OPERATIONS)


def test_every_room_is_there() -> None:
    rows = re.findall(r"^   \* - ``(.+)``$", _page("contributor/layers.rst"), re.MULTILINE)
    # What is called "api" has nothing but rooms.
    assert sorted(rows) == sorted(set(ALLOWED) - {"", "api"})


def _paths(text: str) -> set[str]:
    """Paths that a text names: what looks like one, and begins where one can begin."""
    first = {each.name for place in PLACES for each in place.iterdir() if each.is_dir()}
    literals = (found["rst"] or found["md"] for found in _LITERAL.finditer(text))
    words = (literal.split()[0] for literal in literals if literal.split())
    return {
        word
        for word in words
        if _PATH.fullmatch(word)
        and not MADE.match(word)
        and ("/" in word.rstrip("/") and word.split("/")[0] in first)
    }


def _is_there(word: str, beside: Path) -> bool:
    return any((place / word).exists() for place in (*PLACES, beside))


def test_files_that_are_named_are_there() -> None:
    absent = {
        _name(path): [word for word in _paths(path.read_text()) if not _is_there(word, path.parent)]
        for path in TEXTS
    }
    wrong = {name: words for name, words in absent.items() if words}
    assert not wrong, wrong


def test_a_file_that_is_not_there_is_found() -> None:
    text = "``tests/unit/test_documentation.py`` `tests/nothing.py` ``a/b`` ``.pocket/venv``"
    found = _paths(text)
    assert found == {"tests/unit/test_documentation.py", "tests/nothing.py"}
    assert [word for word in found if not _is_there(word, ROOT)] == ["tests/nothing.py"]


def test_links_lead_somewhere() -> None:
    links = [
        (path, found["target"]) for path in MARKDOWN for found in _LINK.finditer(path.read_text())
    ]
    absent = [(_name(path), to) for path, to in links if not (path.parent / to).exists()]
    assert not absent, absent


def test_options_that_are_named_are_there() -> None:
    known = {(group, opt.dest) for group, opts in ims_conf.list_opts() for opt in opts}
    named = {
        (_name(path), found["group"], found["name"])
        for path in TEXTS
        for found in _OPTION.finditer(path.read_text())
    }
    absent = [each for each in named if each[1:] not in known]
    assert not absent, absent


def test_commands_that_are_named_are_there() -> None:
    points = importlib.metadata.entry_points(group=sources.CLIENT)
    # Of a verb of two words, such as "version add", the first is looked at.
    known = {tuple(point.name.split("_")[1:3]) for point in points}
    named = {
        (_name(path), found["noun"], verb)
        for path in TEXTS
        for found in _CLIENT.finditer(path.read_text())
        for verb in found["verbs"].split("|")
    }
    absent = [each for each in named if each[1:] not in known]
    assert not absent, absent


def test_codes_that_are_named_are_there() -> None:
    product = "".join(path.read_text() for path in (ROOT / "ims_glance").rglob("*.py"))
    named = {code for path in TEXTS for code in _CODE.findall(path.read_text())}
    assert named - set(_CODE.findall(product)) == set()
