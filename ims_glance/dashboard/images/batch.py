# SPDX-License-Identifier: Apache-2.0
"""What is done to each row that is chosen."""

from collections.abc import Callable
from typing import Any

from django import shortcuts
from horizon import messages

from ims_glance.dashboard import refusals


def each(action: Any, request: Any, ids: list[str], act: Callable[[str], Any]) -> Any:
    """Do something to each; what is refused is shown in the words of the service.

    :param action: of Horizon's table
    :return: the way back to the page
    """
    done = []
    for one in ids:
        with refusals.shown(request):
            act(one)
            done.append(one)
    return _end(action, request, done)


def together(action: Any, request: Any, ids: list[str], act: Callable[[list[str]], Any]) -> Any:
    """Do something to all at once: to all of them, or to none."""
    done = []
    with refusals.shown(request):
        act(ids)
        done = ids
    return _end(action, request, done)


def _end(action: Any, request: Any, done: list[str]) -> Any:
    """Say what was done, and return to the page."""
    if done:
        table = action.table
        names = [table.get_object_display(table.get_object_by_id(one)) or one for one in done]
        what = action._get_action_name(done, past=True)
        messages.success(request, f"{what}: {', '.join(map(str, names))}")
    return shortcuts.redirect(action.get_success_url(request))
