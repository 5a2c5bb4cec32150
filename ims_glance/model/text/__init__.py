# SPDX-License-Identifier: Apache-2.0
"""What may be written where, and how it is read."""
