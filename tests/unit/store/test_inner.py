# SPDX-License-Identifier: Apache-2.0
"""Which inner store belongs to which stock driver."""

import glance_store
import pytest
from glance_store import exceptions as store_exceptions
from oslo_config import cfg

from ims_glance.conf import ims_kms
from ims_glance.store import inner
from ims_glance.store.inner.file import FileInner


def test_load(tmp_path):
    conf = cfg.ConfigOpts()
    (tmp_path / "conf").write_text(f"[hidden]\nfilesystem_store_datadir = {tmp_path}/data\n")
    conf(["--config-file", str(tmp_path / "conf")], project="glance")
    loaded = inner.load(conf, "file", "hidden")
    assert isinstance(loaded, FileInner)
    assert (loaded.driver, loaded.group) == ("file", "hidden")
    assert (tmp_path / "data").is_dir()


def test_every_driver_that_can_be_chosen_can_be_loaded():
    choices = ims_kms.STORE_OPTS[0].type.choices  # type: ignore[attr-defined]
    assert set(choices) == set(inner._INNER)


@pytest.mark.parametrize(
    "option", ["swift_store_multi_tenant", "swift_store_multiple_containers_seed"]
)
def test_swift_with_more_than_one_container_is_refused(tmp_path, option):
    (tmp_path / "conf").write_text(
        "[DEFAULT]\nenabled_backends = plain:file\n"
        "[hidden]\nswift_store_auth_address = http://127.0.0.1:5\nswift_store_user = a:b\n"
        f"swift_store_key = c\n{option} = 1\n"
    )
    conf = cfg.ConfigOpts()
    conf.register_opt(cfg.DictOpt("enabled_backends"))
    conf(["--config-file", str(tmp_path / "conf")], project="glance")
    glance_store.register_store_opts(conf)
    with pytest.raises(store_exceptions.BadStoreConfiguration, match="must be off"):
        inner.load(conf, "swift", "hidden")
