# SPDX-License-Identifier: Apache-2.0
"""What stands in front of both APIs: who asks, for which of the two, and what is put on record."""
