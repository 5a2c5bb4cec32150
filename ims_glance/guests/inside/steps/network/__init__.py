# SPDX-License-Identifier: Apache-2.0
"""How guests configure their network, each tool of theirs a module: text in, text out, and the step that uses them."""
