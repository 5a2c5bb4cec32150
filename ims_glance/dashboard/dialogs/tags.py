# SPDX-License-Identifier: Apache-2.0
"""The tags of an image, all of them in one place."""

from typing import Any

from django import forms
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ims_glance.client.proxy import Proxy
from ims_glance.dashboard import words
from ims_glance.dashboard.dialogs import base

MOST = 10


def lines(text: str) -> list[str]:
    """What stands on lines, but for empty ones."""
    return [line.strip() for line in text.splitlines() if line.strip()]


class TagsField(forms.CharField):
    """Tags, on lines of their own."""

    widget = forms.Textarea(attrs={"rows": 4, "placeholder": gettext_lazy("key=value")})

    def __init__(self) -> None:
        super().__init__(
            label=gettext_lazy("Tags"),
            required=False,
            help_text=gettext_lazy("Up to 10, on lines of their own."),
        )
        self.most = MOST

    def clean(self, value: Any) -> list[str]:
        """Line by line.

        :raises ValidationError: if they are too many
        """
        tags = lines(super().clean(value))
        if len(tags) > self.most:
            raise forms.ValidationError(_("An image has 10 tags at most."))
        return tags


class TagsForm(base.DialogForm):
    """All tags."""

    tags = TagsField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = sorted(map(str, self.image.tags or ()))
        shown = [tag for tag in known if lines(tag) == [tag]]
        # Those of Glance's own making that no line can be (with a line break, or a blank at an end) stay.
        self._unshown = [tag for tag in known if tag not in shown]
        field = self.fields["tags"]
        assert isinstance(field, TagsField)
        field.initial = "\n".join(shown)
        # An image from before there was a limit may have more.
        field.most = max(MOST, len(shown))

    def act(self, ims: Proxy, data: dict[str, Any]) -> str:
        """Have these tags and no others."""
        ims.set_tags(self.image, [*data["tags"], *self._unshown])
        return str(_("The tags of image %s were changed.") % words.name(self.image))


class TagsView(base.DialogView):
    """Edit the tags of an image."""

    form_class = TagsForm
    address = "tags"
    page_title = modal_header = gettext_lazy("Edit Tags")
    submit_label = gettext_lazy("Save")
    explanation = gettext_lazy("What is on no line is taken off the image.")

    def get_success_url(self) -> str:
        """Back to the image."""
        return str(reverse("horizon:project:ims:image", args=[self.image.id]))
