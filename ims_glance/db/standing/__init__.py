# SPDX-License-Identifier: Apache-2.0
"""Standing copies (replications) in the database: their owners', their workers', and their other ends."""
