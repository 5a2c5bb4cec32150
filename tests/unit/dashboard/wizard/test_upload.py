# SPDX-License-Identifier: Apache-2.0
"""A file of the user's computer, from the form into the bucket, and out of it."""

import io
import re
from unittest import mock

from django.test import Client, override_settings

from tests.unit.client.cloud import JOB_ID, PROJECT
from tests.unit.dashboard.bucket import BUCKET, Bucket
from tests.unit.dashboard.console import BASE, ConsoleTestCase, text

ADDRESS = f"{BASE}create/system/upload/"
DATA = bytes(range(256)) * 5000
BOUNDARY = "edge"
FORM = f"multipart/form-data; boundary={BOUNDARY}"


def body(data=DATA, name="my disk (1).qcow2", token=None):
    """A form as browsers send it."""
    field = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="csrfmiddlewaretoken"\r\n\r\n{token}\r\n'
        if token
        else ""
    )
    head = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    return f"{field}{head}".encode() + data + f"\r\n--{BOUNDARY}--\r\n".encode()


class UploadTest(ConsoleTestCase):
    def setUp(self):
        super().setUp()
        self.bucket = Bucket(self.cloud)

    def send(self, client=None, **known):
        return (client or self.client).post(ADDRESS, body(**known), content_type=FORM)

    def segments_of(self, size):
        patch = mock.patch("ims_glance.client.upload.SEGMENT", size)
        patch.start()
        self.addCleanup(patch.stop)

    def nothing_stays(self, response, said):
        assert said in text(response)
        assert self.bucket.objects == {}
        assert self.bucket.containers == set()

    def test_it_is_offered_and_asked_for(self):
        assert f'href="{ADDRESS}"' in self.client.get(f"{BASE}create/").content.decode()
        shown = self.client.get(ADDRESS).content.decode()
        form = shown[shown.index('id="ims-upload"') :]
        assert form.index("csrfmiddlewaretoken") < form.index('type="file"')
        assert "50 GB at most" in shown

    def test_it_goes_into_a_bucket_and_on_as_a_file_there(self):
        response = self.send()
        ((path, data),) = self.bucket.objects.items()
        assert data == DATA
        (name,) = self.bucket.names
        assert re.fullmatch(r"console-[0-9a-f]{8}-my_disk_1_\.qcow2", name)
        assert self.bucket.headers[path]["X-Delete-After"] == str(7 * 24 * 3600)
        assert response["Location"] == f"{BASE}create/system/file/?bucket={BUCKET}&file={name}"
        assert name in self.client.get(response["Location"]).content.decode()
        settings = f"{BASE}create/system/file/settings/?bucket={BUCKET}&file={name}"
        self.cloud.ims("GET", "/v1/cloudimages/os_version", [])
        assert 'name="name" value="my_disk_1_"' in self.client.get(settings).content.decode()

    def test_a_large_one_goes_in_segments(self):
        self.segments_of(500_000)
        assert "/file/?" in self.send()["Location"]
        *segments, (path, listed) = self.bucket.objects.items()
        assert b"".join(data for _path, data in segments) == DATA
        assert [each["size_bytes"] for each in listed] == [500_000, 500_000, 280_000]
        assert [each["etag"] for each in listed] == ["e1", "e2", "e3"]
        assert [f"/v1/AUTH_a{each['path']}" for each in listed] == [path for path, _ in segments]
        assert f"{BUCKET}/" in path
        assert {"X-Delete-After"} <= set.intersection(*map(set, self.bucket.headers.values()))

    def test_none_of_its_segments_is_empty(self):
        self.segments_of(len(DATA) // 2)
        self.send()
        (listed,) = [each for each in self.bucket.objects.values() if isinstance(each, list)]
        assert [each["size_bytes"] for each in listed] == [len(DATA) // 2] * 2

    def test_it_is_read_as_it_is_sent(self):
        """Never more than some pieces of it are here, and nothing lies on a disk."""
        read, most = [0], [0]

        class Body(io.BytesIO):
            def read(self, size=-1):
                data = super().read(size)
                read[0] += len(data)
                return data

        sent = [0]

        def request(path, method, data=None, **how):
            for piece in data or ():
                sent[0] += len(piece)
                most[0] = max(most[0], read[0] - sent[0])
            return mock.Mock(status_code=201, headers={})

        whole = body(bytes(32 << 20))
        with (
            mock.patch("ims_glance.dashboard.connection.objects") as store,
            mock.patch("tempfile.NamedTemporaryFile", side_effect=AssertionError),
        ):
            store.return_value.request = request
            environ = {"wsgi.input": Body(whole), "CONTENT_LENGTH": str(len(whole))}
            response = self.client.post(ADDRESS, content_type=FORM, **environ)
        assert "/file/?" in response["Location"]
        assert sent[0] == 32 << 20
        assert 0 < most[0] <= 4 << 20

    def test_a_forged_form_leaves_nothing(self):
        browser = Client(enforce_csrf_checks=True)
        browser.cookies.update(self.client.cookies)
        token = re.search(
            r'name="csrfmiddlewaretoken" value="(\w+)"', browser.get(ADDRESS).content.decode()
        )
        assert token is not None
        for forged in (None, "x" * 64):
            assert self.send(browser, token=forged).status_code == 403
            assert self.cloud.sent("PUT") == []
        assert "/file/?" in self.send(browser, token=token[1])["Location"]
        assert len(self.bucket.objects) == 1

    def test_a_connection_that_breaks_leaves_nothing(self):
        self.segments_of(500_000)
        for size in (300, 700_000, len(body()) - 5):
            whole = body()
            environ = {"wsgi.input": io.BytesIO(whole[:size]), "CONTENT_LENGTH": str(len(whole))}
            response = self.client.post(ADDRESS, content_type=FORM, **environ)
            self.nothing_stays(response, "The connection broke before all of the file was here.")

    def test_a_storage_that_has_no_room_is_left_as_it_was(self):
        self.segments_of(500_000)
        self.bucket.refusal = (2, 413)
        self.nothing_stays(self.send(), "The object storage does not take the file. (413)")

    def test_a_login_that_ends_on_the_way_asks_for_another(self):
        self.bucket.refusal = (1, 401)
        assert "/auth/login/" in self.send()["Location"]
        assert self.bucket.objects == {}

    def test_what_is_not_taken(self):
        self.nothing_stays(self.send(data=b""), "The file is empty.")
        self.nothing_stays(self.send(data=b"", name=""), "Choose a file.")
        self.nothing_stays(self.client.post(ADDRESS, {"file": "text"}), "Choose a file.")
        self.nothing_stays(self.send(name="C:\\web.JSON"), "A manifest names other files")
        with override_settings(IMS_UPLOAD_GIB=1):
            environ = {"CONTENT_LENGTH": str((1 << 30) + 1), "wsgi.input": io.BytesIO(body())}
            response = self.client.post(ADDRESS, content_type=FORM, **environ)
        self.nothing_stays(response, "The file is too large: 1.0 GB are the most.")
        assert self.cloud.sent("PUT") == []

    def test_names_that_are_no_names(self):
        self.send(name="../../<b>\u202e: .raw")
        (name,) = self.bucket.names
        assert re.fullmatch(r"console-[0-9a-f]{8}-_b_[_.]*raw", name)

    def test_where_there_is_no_place_for_it(self):
        for switched in (
            override_settings(IMS_UPLOAD_GIB=0),
            mock.patch("openstack_dashboard.api.base.is_service_enabled", return_value=False),
        ):
            with switched:
                response = self.send()
                assert response["Location"] == f"{BASE}create/"
                assert "this region has no place" in self.said(response)[-1]
                assert ADDRESS not in self.client.get(f"{BASE}create/").content.decode()
        assert self.cloud.sent("PUT") == []

    def test_there_is_no_way_around_the_bucket(self):
        for address in ("volume/upload/", "system/upload/settings/?upload=x"):
            assert self.client.get(f"{BASE}create/{address}").status_code == 404

    def test_a_script_is_told_where_to_go(self):
        sent = self.client.post(
            ADDRESS, body(), content_type=FORM, headers={"x-requested-with": "XMLHttpRequest"}
        )
        assert "/file/?" in sent["X-Horizon-Location"]


class AfterwardsTest(ConsoleTestCase):
    """When the image is made, or could not be, the file goes."""

    def setUp(self):
        super().setUp()
        self.bucket = Bucket(self.cloud)
        self.cloud.ims("POST", "/v2/cloudimages/action", {"job_id": JOB_ID})
        self.cloud.ims("GET", "/v1/cloudimages/os_version", [])
        with mock.patch("ims_glance.client.upload.SEGMENT", 500_000):
            self.client.post(ADDRESS, body(), content_type=FORM)

    def create(self, name):
        address = f"{BASE}create/system/file/settings/?bucket={BUCKET}&file={name}"
        typed = {"name": "new", "min_disk": "40", "confirmed": "1"}
        assert self.client.post(address, typed)["Location"] == BASE

    def poll(self, status):
        known = {"job_id": JOB_ID, "job_type": "imsImportImageJob", "status": status}
        self.cloud.ims("GET", f"/v1/{PROJECT}/jobs/{JOB_ID}", known)
        query = {"action": "row_update", "table": "running_jobs", "obj_id": JOB_ID}
        return self.client.get(
            BASE, query, headers={"x-requested-with": "XMLHttpRequest"}
        ).status_code

    def test_it_goes_when_its_job_has_ended(self):
        before = self.bucket.names
        assert len(before) == 4
        assert self.poll("SUCCESS") == 200
        # Nobody knows of a job of it yet.
        assert self.bucket.names == before
        self.create(before[-1])
        asked = self.cloud.sent("POST")[-1]
        assert asked.headers["X-Object-Meta-Ims-Job"] == JOB_ID
        # What is not said again the object storage forgets.
        assert asked.headers["X-Delete-After"]
        assert self.poll("RUNNING") == 200
        assert self.bucket.names == before
        assert self.poll("FAIL") == 200
        assert self.bucket.objects == {}

    def test_it_goes_when_the_next_one_comes(self):
        self.create(self.bucket.names[-1])
        self.cloud.ims("GET", f"/v1/{PROJECT}/jobs/{JOB_ID}", {"job_id": JOB_ID, "status": "INIT"})
        self.client.get(ADDRESS)
        assert len(self.bucket.objects) == 4
        self.cloud.refuse("GET", f"/v1/{PROJECT}/jobs/{JOB_ID}", 404, "IMG.0027", "Gone.")
        self.client.get(ADDRESS)
        assert self.bucket.objects == {}

    def test_files_that_were_put_there_by_others_stay(self):
        address = f"{BASE}create/system/file/settings/?bucket={BUCKET}&file=mine.raw"
        self.client.post(address, {"name": "new", "min_disk": "40", "confirmed": "1"})
        assert [each.path[-6:] for each in self.cloud.sent("POST")] == ["action"]

    def test_a_storage_that_is_away_hinders_nobody(self):
        (name,) = [each for each in self.bucket.names if "/" not in each]
        self.cloud.json("POST", f".*/{BUCKET}/.*", None, 503)
        self.create(name)
        self.cloud.json("GET", f".*/{BUCKET}", None, 503)
        assert self.poll("SUCCESS") == 200
        assert len(self.bucket.objects) == 4
