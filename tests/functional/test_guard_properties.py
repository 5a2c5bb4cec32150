# SPDX-License-Identifier: Apache-2.0
"""Clients of the Image API that own all properties of an image, in a real Glance."""

import pytest

from ims_glance.model.image import attributes
from tests.functional import identity
from tests.functional.client import PATCH_TYPE, PATCH_TYPE_20, Client
from tests.functional.key_vault import Vault
from tests.functional.refusals import CMK_ID, by_glance, refused

SYSTEM = ("__os_version", "__os_type", "__os_bit", "__platform")
CENTOS = ("CentOS 6.5 32bit", "Linux", "32", "CentOS")
WINDOWS = ("Other Windows(64 bit)", "Windows", "64", "Other")
OTHER = ("Other Linux(64 bit)", "Linux", "64", "Other")


def change(op: str, name: str, *value: object) -> dict:
    return {"op": op, "path": f"/{name}", **({"value": value[0]} if value else {})}


def older(raw: dict) -> dict:
    """The same in the older format."""
    rest = {"value": raw["value"]} if "value" in raw else {}
    return {raw["op"]: raw["path"], **rest}


def system(image: dict) -> tuple:
    return tuple(image.get(name) for name in SYSTEM)


def shown(image: dict) -> dict:
    """What an image says of itself, without when it was changed."""
    return {name: value for name, value in image.items() if name != "updated_at"}


@pytest.fixture(params=[PATCH_TYPE, PATCH_TYPE_20], ids=["v2.1", "v2.0"])
def patch(request, glance: Client):
    """Sends a patch in one of the two formats; the image afterwards."""

    def send(image_id: str, *changes: dict, client: Client = glance) -> dict:
        is_older = request.param == PATCH_TYPE_20
        sent = [older(raw) for raw in changes] if is_older else changes
        return client.patch(image_id, *sent, content_type=request.param)

    return send


class TestRemoval:
    def test_what_the_service_added_stays_and_the_rest_is_done(self, glance, patch) -> None:
        """As Terraform does with each apply: all that its file does not name, and a new name."""
        image = glance.create(mine="1", __description="words", __support_xen="true")
        added = set(image) - set(attributes.GLANCE) - {"os_hash_algo"}
        removals = [change("remove", name) for name in sorted(added)]
        changed = patch(image["id"], *removals, change("replace", "name", "renamed"))
        gone = {"mine", "__description", "__support_xen"}
        assert gone <= added
        assert changed["name"] == "renamed"
        assert set(image) - set(changed) == gone
        assert {name: changed[name] for name in added - gone} == {
            name: image[name] for name in added - gone
        }

    def test_nothing_else(self, glance, patch) -> None:
        image = glance.create()
        changed = patch(image["id"], *(change("remove", n) for n in ("__os_type", "__imagetype")))
        assert changed == image

    @pytest.mark.parametrize("caller", [identity.DEMO, identity.ADMIN])
    @pytest.mark.parametrize("named", [True, False])
    def test_the_key_stays(self, glance, patch, key, caller, named) -> None:
        image = glance.create(**({"cmkid": key} if named else {}))["id"]
        glance.upload(image, b"x", store="kms")
        before = glance.show(image)
        keys = [name for name in (CMK_ID, attributes.STORE_KEY) if name in before]
        assert len(keys) == (1 if named else 2)
        removals = [change("remove", name) for name in keys]
        renames = change("replace", "name", "new")
        changed = patch(image, *removals, renames, client=glance.as_(caller))
        assert shown(changed) == {**shown(before), "name": "new"}

    @pytest.mark.parametrize("pointer", [f"//{CMK_ID}", f"/ {CMK_ID}\t"])
    def test_the_key_stays_in_all_spellings_of_the_path(self, glance, key, pointer) -> None:
        image = glance.create(cmkid=key)
        assert glance.patch(image["id"], {"op": "remove", "path": pointer}) == image

    def test_what_is_not_there_is_glance_s_to_say(self, glance, patch) -> None:
        image = glance.create()
        for name in ("__data_origin", "mine", "__description"):
            with by_glance(409):
                patch(image["id"], change("replace", "name", "new"), change("remove", name))
        with refused(409, "IMG.0035"):
            patch(image["id"], change("remove", CMK_ID))
        assert glance.show(image["id"])["name"] == "test"

    @pytest.mark.parametrize(
        "pointer", ["__os_type", "///__os_type", "/__os_type/", "/__os_type/x"]
    )
    def test_what_is_malformed_stays_a_mistake(self, glance, pointer) -> None:
        image = glance.create()
        renames = change("replace", "name", "new")
        answer = glance.send(
            "PATCH",
            f"/v2/images/{image['id']}",
            json_body=[{"op": "remove", "path": pointer}, renames],
            headers={"Content-Type": PATCH_TYPE},
        )
        assert answer.status in (400, 403)
        assert glance.show(image["id"]) == image

    def test_a_patch_that_is_malformed_elsewhere(self, glance: Client) -> None:
        image = glance.create()
        with by_glance(400):
            glance.patch(image["id"], change("remove", "__os_type"), {"op": "move", "path": "/x"})

    def test_who_may_change_nothing(self, glance, patch) -> None:
        image = glance.create()
        reader = glance.as_(identity.READER)
        with refused(403):
            patch(image["id"], change("remove", "__os_type"), client=reader)


class TestSentBack:
    @pytest.mark.parametrize("op", ["add", "replace"])
    def test_all_that_is_shown(self, glance, key, op) -> None:
        image = glance.create(cmkid=key, mine="1", __description="words", **{SYSTEM[0]: CENTOS[0]})
        names = set(image) - set(attributes.GLANCE)
        assert {"__imagetype", CMK_ID, "__os_type", "mine"} <= names
        changed = glance.patch(
            image["id"],
            *(change(op, name, image[name]) for name in sorted(names)),
            change("replace", "min_ram", 7),
        )
        assert shown(changed) == {**shown(image), "min_ram": 7}

    def test_in_the_older_format(self, glance, key) -> None:
        image = glance.create(cmkid=key)
        names = sorted(set(image) - set(attributes.GLANCE))
        changes = [older(change("replace", name, image[name])) for name in names]
        changed = glance.patch(image["id"], *changes, content_type=PATCH_TYPE_20)
        assert shown(changed) == shown(image)

    def test_to_make_another_image_of_it(self, glance, key) -> None:
        image = glance.create(cmkid=key, mine="1", **{SYSTEM[0]: CENTOS[0]})
        names = set(image) - set(attributes.GLANCE)
        twin = glance.create(**{name: image[name] for name in names})
        assert {name: twin[name] for name in names} == {name: image[name] for name in names}

    @pytest.mark.parametrize("value", ["gold", "shared", None, 5])
    def test_another_kind(self, glance, value) -> None:
        image = glance.create()
        with refused(403, "IMG.0026"):
            glance.patch(image["id"], change("add", "__imagetype", value))


class TestKeySpellings:
    FORMS = ("{key}", "{KEY}", "https://kms:9311/v1/secrets/{key}", "http://kms/secrets/{KEY}/")

    @pytest.mark.parametrize("form", FORMS)
    def test_unchanged(self, glance, key, form) -> None:
        image = glance.create(cmkid=key)
        value = form.format(key=key, KEY=key.upper())
        changed = glance.patch(
            image["id"], change("replace", CMK_ID, value), change("replace", "name", "new")
        )
        assert (changed[CMK_ID], changed["name"]) == (key, "new")

    def test_the_default_key(self, glance) -> None:
        image = glance.create(cmkid="ims/default")
        changed = glance.patch(image["id"], change("replace", CMK_ID, "ims/default"))
        assert changed[CMK_ID] == image[CMK_ID]

    def test_the_default_key_is_another(self, glance, key) -> None:
        glance.create(cmkid="ims/default")
        image = glance.create(cmkid=key)
        with refused(409, "IMG.0035"):
            glance.patch(image["id"], change("replace", CMK_ID, "ims/default"))

    @pytest.mark.parametrize("form", FORMS)
    def test_as_filters(self, glance, key, form) -> None:
        image = glance.create(cmkid=key)
        glance.upload(image["id"], b"x")
        value = form.format(key=key, KEY=key.upper())
        for path in ("/v2/images", "/v2/cloudimages"):
            listed = glance.call("GET", f"{path}?{CMK_ID}={value}&name=test").json["images"]
            assert [each["id"] for each in listed] == [image["id"]]

    def test_the_default_key_as_a_filter(self, glance_service, vault: Vault) -> None:
        fresh = glance_service.client(identity.Caller("0f" * 16))
        paths = [f"{path}?{CMK_ID}=ims/default" for path in ("/v2/images", "/v2/cloudimages")]
        assert [fresh.call("GET", path).json["images"] for path in paths] == [[], []]
        assert vault.keys("0f" * 16) == []
        image = fresh.create(cmkid="ims/default")["id"]
        fresh.create()
        for path in paths:
            assert [each["id"] for each in fresh.call("GET", path).json["images"]] == [image]

    @pytest.mark.parametrize("value", ["nonsense", "%ff"])
    def test_no_key_as_a_filter(self, glance, value) -> None:
        answer = glance.send("GET", f"/v2/images?{CMK_ID}={value}")
        assert answer.status == (400 if value == "%ff" else 200)
        assert "IMG." not in answer.text


class TestSystem:
    """What follows from the name of the operating system follows it."""

    def test_another_system(self, glance, patch) -> None:
        image = glance.create(**{SYSTEM[0]: CENTOS[0]})
        assert system(image) == CENTOS
        changed = patch(
            image["id"],
            change("replace", SYSTEM[0], WINDOWS[0]),
            change("replace", "__os_type", "Linux"),
        )
        assert system(changed) == WINDOWS

    @pytest.mark.parametrize("op", ["remove", "replace"])
    def test_no_system(self, glance, patch, op) -> None:
        image = glance.create(**{SYSTEM[0]: WINDOWS[0]})
        value = () if op == "remove" else ("",)
        assert system(patch(image["id"], change(op, SYSTEM[0], *value))) == OTHER

    def test_an_unknown_one_stays(self, glance, patch) -> None:
        image = glance.create(**{SYSTEM[0]: WINDOWS[0]})
        changed = patch(image["id"], change("replace", SYSTEM[0], "Plan 9"))
        assert system(changed) == ("Plan 9", *OTHER[1:])

    def test_where_there_was_none(self, glance, glance_service) -> None:
        """An image that was there before the service."""
        image = glance.create(**{SYSTEM[0]: CENTOS[0]})["id"]
        with glance_service.database() as database:
            database.execute("DELETE FROM image_properties WHERE image_id = ?", (image,))
        with by_glance(409):
            glance.patch(image, change("replace", SYSTEM[0], WINDOWS[0]))
        assert system(glance.show(image)) == (None,) * 4
        assert system(glance.patch(image, change("add", SYSTEM[0], WINDOWS[0]))) == WINDOWS

    def test_nobody_else_gets_the_right_to_write_it(self, glance, patch) -> None:
        image = glance.create()
        for raw in (change("replace", "__os_type", "Windows"), change("add", "__data_origin", "x")):
            with refused(403, "IMG.0026"):
                patch(image["id"], change("replace", SYSTEM[0], CENTOS[0]), raw)
        with by_glance(409):
            patch(
                image["id"],
                change("replace", SYSTEM[0], CENTOS[0]),
                change("remove", "__data_origin"),
            )
        assert glance.show(image["id"]) == image


class TestValues:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("__os_version", 5),
            ("__os_version", None),
            ("__isregistered", True),
            ("__imagetype", None),
            ("__image_size", 7),
            ("virtual_env_type", ["x"]),
            ("__description", 5),
            ("__support_xen", True),
        ],
    )
    def test_no_strings(self, glance, name, value) -> None:
        # What Glance gets to see, it refuses itself.
        with refused(400, "" if name in ("__description", "__support_xen") else "IMG.0035"):
            glance.create(**{name: value})
        image = glance.create()
        answer = glance.send(
            "PATCH",
            f"/v2/images/{image['id']}",
            json_body=[change("add", name, value)],
            headers={"Content-Type": PATCH_TYPE},
        )
        assert answer.status in (400, 403)
        assert glance.show(image["id"]) == image

    @pytest.mark.parametrize(
        ("name", "value", "code"),
        [
            ("__support_xen", "yes", "IMG.0035"),
            ("__description", "a\nb", "IMG.0054"),
            ("__description", "x" * 1025, "IMG.0004"),
            ("__os_version", "x" * 129, "IMG.0035"),
        ],
    )
    def test_as_ims_has_them(self, glance, name, value, code) -> None:
        with refused(400, code):
            glance.create(**{name: value})
        image = glance.create(**({} if name == SYSTEM[0] else {name: "true"}))
        with refused(400, code):
            glance.patch(image["id"], change("replace", name, value))
        assert glance.show(image["id"]) == image

    def test_what_excludes_each_other(self, glance) -> None:
        both = {"__support_xen_hana": "true", "__support_xen": "true"}
        with refused(400, "IMG.0035"):
            glance.create(**both)
        image = glance.create(__support_xen="true")
        added = change("add", "__support_xen_hana", "true")
        with refused(400, "IMG.0035"):
            glance.patch(image["id"], added)
        changed = glance.patch(image["id"], change("remove", "__support_xen"), added)
        assert "__support_xen" not in changed

    def test_everybody_s_properties_are_everybody_s(self, glance) -> None:
        given = {
            "hw_firmware_type": "coreboot",
            "hw_vif_multiqueue_enabled": "yes",
            "max_ram": "much",
            "os_shutdown_timeout": "5",
            "Foo": "<\n>",
            "__mine": "<\n>",
        }
        image = glance.create(**given)
        assert {name: image[name] for name in given} == given
        changed = glance.patch(image["id"], *(change("replace", name, "other") for name in given))
        assert {changed[name] for name in given} == {"other"}


NAMES = (
    "__Os_Type",
    "__\u00f6s_type",
    "__os_type ",
    "Virtual_Env_Type",
    "__s\u00ffstem__cmkid",
    "__X",
)


class TestNames:
    """MariaDB takes them for names of the service; SQLite, here, does not."""

    @pytest.mark.parametrize("name", NAMES)
    def test_of_new_images(self, glance, name) -> None:
        with refused(400, "IMG.0016"):
            glance.create(**{name: "x"})

    @pytest.mark.parametrize("op", ["add", "replace"])
    @pytest.mark.parametrize("name", [name for name in NAMES if name == name.strip()])
    def test_in_patches(self, glance, name, op) -> None:
        image = glance.create()["id"]
        with refused(400, "IMG.0016"):
            glance.patch(image, change(op, name, "x"))

    def test_a_blank_at_the_end_is_none_to_glance(self, glance) -> None:
        image = glance.create()
        assert glance.patch(image["id"], change("remove", "__os_type ")) == image

    def test_in_patches_of_ims(self, glance) -> None:
        image = glance.create(Colour="red")["id"]
        glance.upload(image, b"x")
        for name in ("__Os_Type", "__os_type ", "colour"):
            answer = glance.send(
                "PATCH",
                f"/v2/cloudimages/{image}",
                json_body=[change("add", name, "x")],
                headers={"Content-Type": "application/json"},
            )
            assert (answer.status, answer.json["error"]["code"]) == (400, "IMG.0035")

    def test_of_tasks(self, admin: Client) -> None:
        task = {"type": "import", "input": {"image_properties": {"__System__cmkid": "x"}}}
        with refused(400, "IMG.0016"):
            admin.call("POST", "/v2/tasks", json_body=task)
