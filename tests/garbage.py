# SPDX-License-Identifier: Apache-2.0
"""How often Python looks for garbage in a process of tests.

Left alone, it looks again and again through all that was loaded, which stays to the end.
"""

import gc

# So many more objects than went since the last time, until it looks; Python's own number is 700.
_WHILE_LOADING = (100_000, 50, 100)
_LATER = (2_000, 10, 10)


def begin() -> None:
    """While things are loaded hardly anything goes again."""
    gc.set_threshold(*_WHILE_LOADING)


def all_is_loaded() -> None:
    """What is there by now is looked at no more."""
    gc.collect()
    gc.freeze()
    # How much it finds says when to look through all again.
    gc.collect()
    gc.set_threshold(*_LATER)
