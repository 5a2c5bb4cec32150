# SPDX-License-Identifier: Apache-2.0
"""Sphinx's configuration: ``tox -e docs``, or ``sphinx-build -W doc/source SOMEWHERE``."""

import importlib.metadata
import logging
import sys
import warnings
from pathlib import Path

# The documentation is that of this checkout, whichever one is installed.
sys.path.insert(0, str(Path(__file__).parents[2]))

# What libraries of Glance say to their developers is none of ours.
warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")
# The theme shows the commit. Where there is no git it warns, and warnings end the build.
logging.getLogger("sphinx.openstackdocstheme.ext").addFilter(
    lambda record: "gitsha" not in record.getMessage()
)

extensions = [
    "doc.ext.directives",
    "openstackdocstheme",
    "oslo_config.sphinxext",
    "oslo_policy.sphinxext",
    "sphinx.ext.autodoc",
]

project = "ims_glance"
project_copyright = "The ims_glance authors"
author = "The ims_glance authors"
version = release = importlib.metadata.version("ims_glance")

html_theme = "openstackdocs"
pygments_style = "native"
openstackdocs_auto_name = False
openstackdocs_auto_version = False
openstackdocs_pdf_link = False

add_module_names = False
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_class_signature = "separated"
# "--" is an option, and no dash.
smartquotes = False
