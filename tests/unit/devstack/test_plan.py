# SPDX-License-Identifier: Apache-2.0
import threading

import pytest
from pocket_cloud import plan
from pocket_cloud.errors import PocketError, StepFailed
from pocket_cloud.plan import Node, Progress


def test_needs_come_first_and_the_rest_keeps_its_order():
    needs = {"d": ["b"], "a": [], "b": ["c"], "c": []}
    assert plan.ordered(needs) == ["c", "b", "d", "a"]


def test_a_circle_is_named():
    with pytest.raises(PocketError, match="a -> b -> a"):
        plan.ordered({"a": ["b"], "b": ["a"]})


def test_an_unknown_need_is_named():
    with pytest.raises(PocketError, match="a needs the unknown z"):
        plan.ordered({"a": ["z"]})


class Recorder:
    def __init__(self):
        self.lines: list[str] = []
        self.ran: list[str] = []
        self.progress = Progress(lambda line: self.lines.append(str(line)))
        self.abort = threading.Event()

    def node(self, name, *needs, action=None, says="done"):
        def run():
            if action:
                action()
            self.ran.append(name)
            return says

        return Node(name, needs, run)

    def run(self, *nodes):
        plan.run(nodes, self.progress, self.abort)


def test_every_node_runs_after_its_needs():
    recorder = Recorder()
    recorder.run(recorder.node("b", "a"), recorder.node("c", "a", "b"), recorder.node("a"))
    assert recorder.ran == ["a", "b", "c"]
    assert [line.split()[2:] for line in recorder.lines] == [[n, "done"] for n in "abc"]


def test_independent_nodes_run_at_once():
    recorder = Recorder()
    meeting = threading.Barrier(2, timeout=240)
    recorder.run(recorder.node("a", action=meeting.wait), recorder.node("b", action=meeting.wait))
    assert sorted(recorder.ran) == ["a", "b"]


def test_what_had_nothing_to_do_is_not_mentioned():
    recorder = Recorder()
    recorder.run(recorder.node("a", says=""))
    assert recorder.ran == ["a"]
    assert recorder.lines == []


def test_a_failure_stops_what_has_not_begun_and_hurries_what_has():
    recorder = Recorder()

    def fail():
        raise OSError("disk full")

    with pytest.raises(StepFailed, match="a: disk full"):
        recorder.run(
            recorder.node("a", action=fail),
            recorder.node("b", "a"),
            recorder.node("c", action=lambda: recorder.abort.wait(10)),
        )
    assert recorder.abort.is_set()
    assert recorder.ran == ["c"]
    assert "FAILED" in recorder.lines[0]


def test_a_named_failure_is_passed_on_as_it_is():
    recorder = Recorder()

    def fail():
        raise StepFailed("a", "ended", "its log")

    with pytest.raises(StepFailed) as caught:
        recorder.run(recorder.node("a", action=fail))
    assert caught.value.log == "its log"
