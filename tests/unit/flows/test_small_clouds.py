# SPDX-License-Identifier: Apache-2.0
"""The small cloud answers as the real services do, as far as jobs go by their answers."""

import pytest

from tests.unit.clouds import questions
from tests.unit.flows.direct_cloud import DirectCloud
from tests.unit.flows.slow_cloud import SlowCloud


@pytest.mark.parametrize("kind", [DirectCloud, SlowCloud])
def test_questions(kind):
    cloud = kind()
    volume_id = cloud.volume()
    cloud.objects["question"] = b"data"
    names = {
        "etag": f'"{cloud.etag("question")}"',
        "volume": volume_id,
        "server": cloud.machines.server([volume_id]),
    }
    session = cloud.session()
    for asked in (
        questions.IMAGE,
        questions.SERVER,
        questions.PAUSED,
        questions.VOLUME,
        questions.SNAPSHOT,
        questions.COPY,
        questions.OBJECT,
    ):
        for question in asked:
            question.ask(session, names)
        cloud.settle()
    assert cloud.faults == []
    assert set(cloud.volumes) == {volume_id}


def test_another_answer_is_found():
    question = questions.Question("image", "GET", f"/v2/images/{questions.NOWHERE}", 200)
    with pytest.raises(AssertionError, match=r"GET .* of image: 200"):
        question.ask(DirectCloud().session(), {})


def test_an_answer_that_lacks_something_is_found():
    question = questions.Question("block-storage", "GET", "/backups/detail", 200, None, ("x",))
    with pytest.raises(AssertionError, match="there is no 'x'"):
        question.ask(DirectCloud().session(), {})
