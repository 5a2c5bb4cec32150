# SPDX-License-Identifier: Apache-2.0
"""Server backups as a caller has them, with a small Cinder."""

import pytest

from ims_glance.model.backup import BackupMissing
from tests.unit.api import backups


def test_get(tmp_path):
    server = backups.cinder()
    try:
        known, caller = backups.known(tmp_path), backups.caller(server)
        assert known.get(caller, backups.ID).id == backups.ID
        with pytest.raises(BackupMissing):
            known.get(caller, "x" * 100)
    finally:
        server.close()
