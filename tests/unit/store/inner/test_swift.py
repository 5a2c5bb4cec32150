# SPDX-License-Identifier: Apache-2.0
"""The stock driver's configuration file, read by several threads at once."""

import threading

from glance_store._drivers.swift import utils as swift_utils

from ims_glance.store.inner import swift

ACCOUNT = ["[ours]\n", "user = service:glance\n", "key = none\n"]


def test_a_thread_that_reads_the_accounts_disturbs_no_other(tmp_path):
    assert isinstance(swift_utils.CONFIG, swift._ParserOfEachThread)
    accounts = tmp_path / "swift.conf"
    accounts.write_text("".join(ACCOUNT))
    swift_utils.CONFIG.read(accounts)
    half_read, go_on = threading.Event(), threading.Event()

    def slowly():
        yield from ACCOUNT[:2]
        half_read.set()
        go_on.wait(10)
        yield ACCOUNT[2]

    reader = threading.Thread(target=swift_utils.CONFIG.read_file, args=(slowly(),))
    reader.start()
    try:
        assert half_read.wait(10)
        assert swift_utils.CONFIG.get("ours", "user") == "service:glance"
    finally:
        go_on.set()
        reader.join()
