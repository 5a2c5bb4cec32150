# SPDX-License-Identifier: Apache-2.0
"""The marketplace at both doors."""
