# SPDX-License-Identifier: Apache-2.0
"""``ims-manage market``: what an operator asks of the marketplace."""
