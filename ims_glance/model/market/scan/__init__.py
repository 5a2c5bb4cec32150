# SPDX-License-Identifier: Apache-2.0
"""What is looked for in what is to be sold, and what was found."""
