# SPDX-License-Identifier: Apache-2.0
"""Code that runs inside services, in the virtual environment."""
