# SPDX-License-Identifier: Apache-2.0
"""Pure values, tables and derivations: no I/O, no configuration."""
