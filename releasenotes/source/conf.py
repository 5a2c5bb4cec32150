# SPDX-License-Identifier: Apache-2.0
"""Sphinx's configuration of the release notes: ``tox -e releasenotes``."""

extensions = ["openstackdocstheme", "reno.sphinxext"]

project = "ims_glance release notes"
project_copyright = "The ims_glance authors"
# They are of all versions.
version = release = ""

html_theme = "openstackdocs"
openstackdocs_auto_name = False
openstackdocs_auto_version = False
openstackdocs_pdf_link = False
