# SPDX-License-Identifier: Apache-2.0
"""The list of all images that the service shows an administrator."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from horizon import tables

from ims_glance.client.resources.image import Image
from ims_glance.dashboard import connection, pages, words
from ims_glance.dashboard.images import actions, filters
from ims_glance.dashboard.images.tables import ImagesOptions, ImagesTable


class AllImagesFilter(filters.FilterForm):
    """That of a project, and whose images."""

    owner = forms.CharField(label=_("Project ID"), required=False, max_length=64)


class EverybodysImages(ImagesTable):
    """Images, and whose they are."""

    owner = tables.Column(lambda image: image.owner, verbose_name=_("Project"))
    scope = tables.Column(
        lambda image: words.TYPES.get(image.type_for_me, image.type_for_me), verbose_name=_("Scope")
    )

    class Meta(ImagesOptions):
        name = "everywhere"
        verbose_name = _("Images of All Projects")
        table_actions = (actions.DeleteChosen,)
        row_actions = (actions.DeleteChosen,)


class AllImagesView(pages.ListPage):
    """The panel's page."""

    known_tabs = (pages.Tab("everywhere", _("All"), "horizon:admin:ims_all:index", "list_images"),)
    tab = "everywhere"
    page_title = _("Images of All Projects")
    table_classes = (EverybodysImages,)
    form_class = AllImagesFilter

    def get_everywhere_data(self) -> Sequence[Image]:
        """A page of them."""
        return self.page(connection.ims(self.request).images, **self.filter.query)

    def get_context_data(self, **kwargs: Any) -> Any:
        """For the page: there is but one."""
        return super().get_context_data(**kwargs) | {"tabs": []}
