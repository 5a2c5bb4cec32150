# SPDX-License-Identifier: Apache-2.0
"""Files that appear when they are complete."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from openstack import exceptions as sdk_exceptions
from osc_lib import exceptions


@contextlib.contextmanager
def new_file(path: Path) -> Iterator[IO[bytes]]:
    """A file beside *path*, which takes its place at the end, and is gone if that does not come.

    :raises CommandError: if it cannot be written
    """
    try:
        with tempfile.NamedTemporaryFile(
            dir=path.parent, prefix=f".{path.name}.", delete=False
        ) as new:
            try:
                yield new
                new.flush()
                os.chmod(new.name, 0o666 & ~_umask())
                os.replace(new.name, path)
            except BaseException:
                os.unlink(new.name)
                raise
    except sdk_exceptions.SDKException:
        # Some of them are OSErrors as well, and not the file's.
        raise
    except OSError as error:
        raise exceptions.CommandError(f"{path}: {error.strerror or error}") from error


def _umask() -> int:
    """What new files may not be; it can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
