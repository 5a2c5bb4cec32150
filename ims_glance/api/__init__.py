# SPDX-License-Identifier: Apache-2.0
"""The two APIs, in one process.

``front`` stands before both, ``native`` is the guard of the Image API, ``ims`` is the IMS API, and
``common`` is what both work with.
"""
