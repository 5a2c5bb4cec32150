# SPDX-License-Identifier: Apache-2.0
"""The Image API: the guard holds its requests to the rules of IMS, one module a noun."""
