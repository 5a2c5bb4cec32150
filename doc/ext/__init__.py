# SPDX-License-Identifier: Apache-2.0
"""What the documentation generates by itself from the code."""
