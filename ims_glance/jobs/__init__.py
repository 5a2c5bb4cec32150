# SPDX-License-Identifier: Apache-2.0
"""How jobs run: a worker claims them, an engine runs their flows, and tasks can be begun again."""
