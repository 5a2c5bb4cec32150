# SPDX-License-Identifier: Apache-2.0
"""Products that a project sells: three steps, versions, states; for who may sell."""
