# SPDX-License-Identifier: Apache-2.0
"""What is looked for in a system that is to be sold. Nothing of it is run, and nothing is written."""
