# SPDX-License-Identifier: Apache-2.0
"""WSGI: the doors through which requests come in."""
