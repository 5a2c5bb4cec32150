# SPDX-License-Identifier: Apache-2.0
"""The programs of the service where only the client is installed."""

import importlib.metadata
import sys

import pytest

from ims_glance.cmd import manage, program, status

REQUIRED = [
    "cliff>=4.7.0",
    'is-not-there-1<34,>=33.0.0.dev0; extra == "service"',
    'Is.Not_There-2>=5; extra == "service"',
    'oslo.config>=9.6.0; extra == "service"',
    'boto3>=1.34.0; extra == "s3"',
    'not-there-either>=1; extra == "test"',
]


@pytest.fixture
def client_alone(monkeypatch):
    """A module of the service whose import fails, and what is declared."""
    monkeypatch.setitem(sys.modules, "ims_glance.cmd.manage", None)
    monkeypatch.setattr(importlib.metadata, "requires", lambda _name: REQUIRED)


def test_what_is_missing_is_told(client_alone, capsys):
    assert program.manage() == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line == (
        "ims-manage: the service is not installed here, which needs is-not-there-1, Is.Not_There-2: "
        "pip install 'ims_glance[service]' where Glance runs"
    )


def test_of_many_some_are_named(client_alone, capsys, monkeypatch):
    many = [f'no-such-{number}; extra == "service"' for number in range(30)]
    monkeypatch.setattr(importlib.metadata, "requires", lambda _name: many)
    assert program.manage() == 1
    assert "needs no-such-0, no-such-1, no-such-2 and 27 more:" in capsys.readouterr().err


def test_another_fault_is_not_hidden(client_alone, monkeypatch):
    monkeypatch.setattr(importlib.metadata, "requires", lambda _name: ["cliff>=4.7.0"])
    with pytest.raises(ImportError):
        program.manage()


def test_the_program_runs(monkeypatch):
    monkeypatch.setattr(manage, "main", lambda: 7)
    assert program.manage() == 7
    monkeypatch.setattr(status, "main", lambda: 2)
    assert program.status() == 2
