# SPDX-License-Identifier: Apache-2.0
"""Files in which other files are: ``gz`` and ``zst`` around a whole file, and archives."""
