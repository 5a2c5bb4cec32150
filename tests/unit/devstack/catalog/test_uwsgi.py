# SPDX-License-Identifier: Apache-2.0
import shlex

from pocket_cloud import template
from pocket_cloud.catalog import uwsgi


def test_an_api_listens_on_loopback_alone(cloud):
    text = uwsgi.command("nova", "nova.wsgi.osapi_compute:application", "--processes 2")
    words = shlex.split(template.fill(text, cloud.values))
    sockets = [words[i + 1] for i, word in enumerate(words) if word.endswith("socket")]
    assert sockets == [f"127.0.0.1:{cloud.ports['nova']}"]
    assert words[-2:] == ["--processes", "2"]
    assert words[words.index("--module") + 1] == "nova.wsgi.osapi_compute:application"
    assert words[words.index("--add-header") + 1] == "Connection: close"
