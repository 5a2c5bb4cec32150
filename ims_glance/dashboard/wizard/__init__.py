# SPDX-License-Identifier: Apache-2.0
"""Create a private image, step by step: what, of what, how, and what will happen.

What is chosen is in the address of each step, and what is typed is sent on with the form: nothing is kept on
Horizon's side. A page can be left, and be come back to after a new login. None of it needs JavaScript.
"""
