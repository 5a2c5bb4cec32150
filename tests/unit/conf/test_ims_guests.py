# SPDX-License-Identifier: Apache-2.0
"""How guests are looked at, unless the operator says otherwise."""

from oslo_config import cfg

from ims_glance.conf import ims_guests


def test_without_a_word_of_the_operator():
    conf = cfg.ConfigOpts()
    conf([], project="glance", default_config_files=[], default_config_dirs=[])
    ims_guests.register_opts(conf)
    options = conf.ims_guests
    assert options.recognise
    # No project has all of them.
    assert options.project_appliances < options.appliances
    # Who only looks keeps others waiting for less long.
    assert options.look_seconds < options.seconds
    # Some others may be before one in the queue, and each of them has as long.
    assert options.wait_seconds >= 3 * options.seconds
    assert options.accelerator == "auto"
    # A step that takes four minutes is not taken for one that hangs.
    assert 600 < options.silent_seconds < options.seconds
    assert options.package_dir is None
    assert options.virtio_win_path is None
