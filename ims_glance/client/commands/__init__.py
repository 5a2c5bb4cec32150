# SPDX-License-Identifier: Apache-2.0
"""``openstack ims ...``: one module a noun."""
