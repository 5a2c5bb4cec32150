# SPDX-License-Identifier: Apache-2.0
"""What is done to each row that is chosen."""

from collections.abc import Callable
from typing import Any

from django import shortcuts
from horizon import messages

from ims_glance.dashboard import refusals


def each(action: Any, table: Any, request: Any, ids: list[str], act: Callable[[str], Any]) -> Any:
    """Do something to each; what is refused is shown in the words of the service.

    :param action: of Horizon's table
    :param table: that of this request: what an action is bound to may be another user's
    :return: the way back to the page
    """
    done = []
    for one in ids:
        with refusals.shown(request):
            act(one)
            done.append(one)
    return _end(action, table, request, done)


def together(
    action: Any, table: Any, request: Any, ids: list[str], act: Callable[[list[str]], Any]
) -> Any:
    """Do something to all at once: to all of them, or to none."""
    done = []
    with refusals.shown(request):
        act(ids)
        done = ids
    return _end(action, table, request, done)


def _end(action: Any, table: Any, request: Any, done: list[str]) -> Any:
    """Say what was done, and return to the page."""
    if done:
        # What was chosen may be on another page of the list by now, or on none.
        shown = {
            str(table.get_object_id(row)): table.get_object_display(row) for row in table.data or ()
        }
        names = [shown.get(one) or one for one in done]
        what = action._get_action_name(done, past=True)
        messages.success(request, f"{what}: {', '.join(map(str, names))}")
    return shortcuts.redirect(action.get_success_url(request))
