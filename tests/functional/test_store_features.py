# SPDX-License-Identifier: Apache-2.0
"""What Glance does with images, it does with encrypted ones: who may read, signatures, quotas."""

import base64
import datetime
import secrets

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from ims_glance.model.image import attributes
from tests.functional import stored
from tests.functional.client import ApiError, Client
from tests.functional.conftest import MakeGlance
from tests.functional.key_vault import Vault
from tests.functional.service import GlanceService
from tests.functional.stored import FIRST

DATA = secrets.token_bytes(FIRST + 4242)


@pytest.fixture
def image(glance: Client, vault: Vault) -> str:
    """An image with data."""
    image = glance.create(cmkid=vault.make("demo"), visibility="shared")
    glance.upload(image["id"], DATA)
    return str(image["id"])


def refused(status: int, client: Client, method: str, path: str, **request: object) -> None:
    assert client.send(method, f"/v2/images/{path}", **request).status == status


class TestWhoMayRead:
    def test_others(self, other: Client, image: str) -> None:
        refused(404, other, "GET", f"{image}/file")

    def test_member(self, glance: Client, other: Client, image: str) -> None:
        glance.share(image, "other")
        assert other.download(image) == DATA
        assert other.download(image, FIRST - 1, FIRST) == DATA[FIRST - 1 : FIRST + 1]
        other.call("PUT", f"/v2/images/{image}/members/other", json_body={"status": "accepted"})
        assert other.download(image) == DATA
        refused(403, other, "DELETE", image)
        glance.call("DELETE", f"/v2/images/{image}/members/other")
        refused(404, other, "GET", f"{image}/file")

    def test_community(self, glance: Client, other: Client, image: str) -> None:
        glance.patch(image, {"op": "replace", "path": "/visibility", "value": "community"})
        assert other.download(image) == DATA

    def test_administrator(self, admin: Client, image: str) -> None:
        assert admin.download(image) == DATA

    def test_deactivated(self, glance: Client, admin: Client, image: str) -> None:
        glance.share(image, "other")
        admin.deactivate(image)
        refused(403, glance, "GET", f"{image}/file")
        assert admin.download(image) == DATA
        admin.reactivate(image)
        assert glance.download(image) == DATA

    def test_hidden(self, glance: Client, image: str) -> None:
        glance.patch(image, {"op": "replace", "path": "/os_hidden", "value": True})
        assert image not in glance.call("GET", "/v2/images?limit=1000").text
        assert glance.download(image) == DATA

    def test_protected(self, glance: Client, glance_service: GlanceService, image: str) -> None:
        glance.patch(image, {"op": "replace", "path": "/protected", "value": True})
        with stored.nothing_left(glance_service.directories.kms):
            refused(403, glance, "DELETE", image)
        assert glance.download(image) == DATA
        glance.patch(image, {"op": "replace", "path": "/protected", "value": False})
        glance.delete(image)

    def test_changes_of_attributes_leave_the_data_alone(self, glance: Client, image: str) -> None:
        before = glance.show(image)
        glance.patch(
            image,
            {"op": "replace", "path": "/name", "value": "renamed"},
            {"op": "add", "path": "/min_ram_of_mine", "value": "5"},
            {"op": "replace", "path": "/min_disk", "value": 1},
        )
        after = glance.show(image)
        for name in ("checksum", "os_hash_value", "size", "stores", "__system__cmkid"):
            assert after[name] == before[name]
        assert glance.download(image) == DATA


class TestFormat:
    def test_refused_data_can_be_replaced(self, glance, glance_service, vault) -> None:
        """Glance inspects while it stores, and keeps what it refuses until the image goes."""
        with stored.nothing_left(glance_service.directories.kms):
            image = glance.create(cmkid=vault.make("demo"), disk_format="qcow2")["id"]
            with pytest.raises(ApiError) as caught:
                glance.upload(image, DATA)
            assert caught.value.status == 415
            assert glance.show(image)["status"] == "queued"
            glance.delete(image)


class TestQuota:
    @pytest.fixture(scope="class")
    @classmethod
    def service(cls, make_glance: MakeGlance) -> GlanceService:
        quota = len(attributes.for_creation({})) + 2
        return make_glance({"DEFAULT": {"image_property_quota": quota}})

    def test_key_counts_as_a_property(self, service: GlanceService) -> None:
        client, key = service.client(), service.vault.make("demo")
        client.create(cmkid=key, one="1")
        with pytest.raises(ApiError) as caught:
            client.create(cmkid=key, one="1", two="2")
        assert caught.value.status == 413

    def test_no_room_for_the_default_key(self, service: GlanceService) -> None:
        client = service.client()
        image = client.create(one="1", two="2")["id"]
        with stored.nothing_left(service.directories.kms, service.directories.plain):
            with pytest.raises(ApiError) as caught:
                client.upload(image, DATA, store="kms")
            assert caught.value.status == 413
        assert client.show(image)["status"] == "queued"
        client.upload(image, DATA)
        assert client.show(image)["stores"] == "plain"


class TestSignature:
    @pytest.fixture(scope="class")
    @classmethod
    def signer(cls) -> rsa.RSAPrivateKey:
        return rsa.generate_private_key(65537, 2048)

    @pytest.fixture
    def signed(self, vault: Vault, signer: rsa.RSAPrivateKey) -> dict[str, str]:
        """Properties that promise :data:`DATA`."""
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.MAX_LENGTH)
        signature = signer.sign(DATA, pss, hashes.SHA256())
        return {
            "img_signature": base64.b64encode(signature).decode(),
            "img_signature_hash_method": "SHA-256",
            "img_signature_key_type": "RSA-PSS",
            "img_signature_certificate_uuid": vault.store("demo", "certificate", _certify(signer)),
        }

    def test_good(self, glance: Client, vault: Vault, signed: dict) -> None:
        image = glance.create(cmkid=vault.make("demo"), **signed)["id"]
        glance.upload(image, iter([DATA[:700_000], DATA[700_000:]]))
        assert glance.show(image)["status"] == "active"
        assert glance.download(image) == DATA

    @pytest.mark.parametrize(
        "data",
        [DATA + b"x", DATA[:-1], DATA[:FIRST] + b"x" + DATA[FIRST + 1 :], b""],
        ids=["more", "less", "other", "nothing"],
    )
    def test_bad(self, glance, glance_service, vault, signed, data) -> None:
        image = glance.create(cmkid=vault.make("demo"), **signed)["id"]
        with stored.nothing_left(glance_service.directories.kms):
            with pytest.raises(ApiError) as caught:
                glance.upload(image, data)
            assert caught.value.status == 400
            assert "Signature verification failed" in str(caught.value)
            assert glance.show(image)["status"] == "queued"
        glance.upload(image, DATA)
        assert glance.download(image) == DATA


def _certify(signer: rsa.RSAPrivateKey) -> bytes:
    """A certificate of the signer's own, in DER."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "signer")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(signer.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(signer, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.DER)
