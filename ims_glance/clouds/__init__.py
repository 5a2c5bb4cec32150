# SPDX-License-Identifier: Apache-2.0
"""One thin client per neighbour. Everything else asks these and knows no client library."""
