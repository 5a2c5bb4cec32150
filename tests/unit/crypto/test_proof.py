# SPDX-License-Identifier: Apache-2.0
"""Proofs: of exactly these facts, by one of the service's secrets."""

import hashlib
import hmac

import pytest

from ims_glance.crypto.proof import Prover

OLD, NEW = "o" * 32, "n" * 32
FACTS = {"kind": "test", "ä": "ö\n", "b": ""}


def test_as_anybody_would_make_it():
    text = rb'{"b":"","kind":"test","\u00e4":"\u00f6\n"}'
    assert (
        Prover([NEW, OLD]).proof(FACTS) == hmac.new(NEW.encode(), text, hashlib.sha256).hexdigest()
    )


def test_a_new_secret_in_front_of_the_old_one():
    made = Prover([OLD]).proof(FACTS)
    both = Prover([NEW, OLD])
    assert made is not None
    assert both.holds(FACTS, made)
    assert both.proof(FACTS) != made
    assert not Prover([NEW]).holds(FACTS, made)


@pytest.mark.parametrize(
    "facts", [{}, {**FACTS, "b": "c"}, {**FACTS, "c": ""}, {"kind": "test", "ä": "ö\n"}]
)
def test_other_facts(facts):
    prover = Prover([NEW])
    made = prover.proof(FACTS)
    assert made is not None
    assert prover.holds(dict(reversed(FACTS.items())), made)
    assert not prover.holds(facts, made)


@pytest.mark.parametrize("proof", ["", "0" * 64, "ö" * 32, "\ud800", "x" * 255])
def test_what_is_no_proof(proof):
    assert not Prover([NEW]).holds(FACTS, proof)


def test_without_a_secret_nothing_is_proved():
    made = Prover([NEW]).proof(FACTS)
    assert made is not None
    assert Prover().proof(FACTS) is None
    assert not Prover().holds(FACTS, made)


def test_a_secret_is_not_shown():
    assert NEW not in repr(Prover([NEW]))
