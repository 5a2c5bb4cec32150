# SPDX-License-Identifier: Apache-2.0
"""Steps for Windows, done offline in its registry: the hives SYSTEM and SOFTWARE, and a few files."""
