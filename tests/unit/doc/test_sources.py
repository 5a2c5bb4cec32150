# SPDX-License-Identifier: Apache-2.0
from doc.ext import command_line, sources


def test_operations_of_a_noun():
    document = sources.operations("quota")
    assert list(document["paths"]) == ["/v1/cloudimages/quota"]


def test_commands_of_operators():
    found = {each.prog for each in sources.manage_commands()}
    assert found >= {"ims-manage status", "ims-manage rekey", "ims-manage db"}


def test_commands_of_the_client():
    (show,) = sources.client_commands("quota")
    assert show.prog == "openstack ims quota show"
    # The form in which things are printed is said once, for all.
    assert "--format" not in "\n".join(command_line.lines(show))
