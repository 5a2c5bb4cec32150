# SPDX-License-Identifier: Apache-2.0
"""The console speaks Chinese wherever it speaks English."""

import io
import re
from pathlib import Path

import pytest
from babel.messages import extract, mofile, pofile
from babel.messages.catalog import Catalog
from django.utils import translation
from django.utils.translation.template import templatize

from ims_glance import dashboard

ROOT = Path(dashboard.__file__).parent
# Django's name of it, and not zh_CN.
FOLDER = ROOT / "locale/zh_Hans/LC_MESSAGES"
KEYWORDS = {
    **extract.DEFAULT_KEYWORDS,
    "gettext_lazy": None,
    "pgettext_lazy": ((1, "c"), 2),
    "ngettext_lazy": (1, 2),
}
FIELDS = re.compile(r"%\(\w+\)[sd]|%[sd]")


def said():
    """All that the code and the pages say."""
    found = Catalog()
    for path in sorted([*ROOT.rglob("*.py"), *ROOT.rglob("*.html")]):
        text = path.read_text()
        source = _page(text) if path.suffix == ".html" else text
        for _line, message, _comments, context in extract.extract(
            "python", io.BytesIO(source.encode()), KEYWORDS
        ):
            found.add(message, context=context)
    return {(each.context, each.id) for each in found if each.id}


def _page(text):
    """A template as the program that is read; indents mean nothing in it."""
    return "\n".join(line.strip() for line in templatize(text).splitlines())


@pytest.fixture(scope="module")
def written():
    with (FOLDER / "django.po").open("rb") as file:
        return pofile.read_po(file, locale="zh_Hans")


def test_everything_has_a_translation_and_nothing_has_one_that_is_not_said(written):
    there = {(each.context, each.id) for each in written if each.id}
    assert said() - there == set()
    assert there - said() == set()
    assert [each.id for each in written if each.id and not all(_texts(each))] == []
    assert [each.id for each in written if each.fuzzy and each.id] == []


def test_a_translation_fills_in_the_same(written):
    for each in written:
        if each.id:
            first = each.id if isinstance(each.id, str) else each.id[-1]
            for text in _texts(each):
                assert sorted(FIELDS.findall(text)) == sorted(FIELDS.findall(first)), first


def test_what_is_read_is_what_is_written(written):
    """Made by ``pybabel compile -D django -d ims_glance/dashboard/locale``."""
    with (FOLDER / "django.mo").open("rb") as file:
        read = mofile.read_mo(file)
    assert _content(read) == _content(written)


def test_it_is_spoken():
    with translation.override("zh-hans"):
        assert translation.gettext("Image Management") == "镜像服务"
        assert translation.ngettext("Delete Image", "Delete Images", 2) == "删除镜像"


def _texts(message):
    return (message.string,) if isinstance(message.string, str) else tuple(message.string)


def _content(catalog):
    return {(_context(each), *_ids(each)): _texts(each) for each in catalog if each.id}


def _context(message):
    """Babel reads it as bytes from the one file, and as text from the other."""
    return message.context.decode() if isinstance(message.context, bytes) else message.context


def _ids(message):
    return (message.id,) if isinstance(message.id, str) else tuple(message.id)
