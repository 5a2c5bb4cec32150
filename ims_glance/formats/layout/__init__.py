# SPDX-License-Identifier: Apache-2.0
"""Numbers of the formats, as their specifications have them; shared by readers and writers."""
