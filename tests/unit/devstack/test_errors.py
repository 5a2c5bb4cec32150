# SPDX-License-Identifier: Apache-2.0
from pocket_cloud.errors import PocketError, StepFailed


def test_a_failure_names_the_step_and_shows_its_log():
    error = StepFailed("keystone", "ended with exit code 1; its log:", "no such table")
    assert str(error) == "keystone: ended with exit code 1; its log:\nno such table"
    assert isinstance(error, PocketError)


def test_without_a_log_it_is_one_line():
    assert str(StepFailed("keystone", "not ready")) == "keystone: not ready"
