# SPDX-License-Identifier: Apache-2.0
import pytest
import requests
from django import http
from horizon import exceptions as horizon_exceptions

from ims_glance.client import errors
from ims_glance.dashboard import refusals


def refused(status, code="IMG.0096", message="It is not yours."):
    response = requests.Response()
    response.status_code = status
    response.url = "http://image.test/v2/cloudimages"
    response._content = f'{{"error": {{"code": "{code}", "message": "{message}"}}}}'.encode()
    return errors.of(response)


def test_a_refusal_is_said_as_the_service_says_it():
    assert refusals.sentence(refused(400)) == "It is not yours. (IMG.0096)"
    assert refusals.sentence(refused(403)) == "It is not yours. (IMG.0096)"


def test_a_service_that_is_away_is_no_refusal():
    said = refusals.sentence(requests.ConnectionError("http://secret.test:9292 refused"))
    assert "does not answer" in said
    assert "secret" not in said


def test_a_login_that_has_ended_leads_to_another():
    with pytest.raises(horizon_exceptions.NotAuthenticated):
        refusals.sentence(refused(401))


def test_a_row_of_what_is_gone_goes():
    with pytest.raises(http.Http404), refusals.polled():
        raise refused(404)


def test_a_row_stays_while_the_service_is_away():
    with pytest.raises(refusals.RowNotRead), refusals.polled():
        raise refused(503)
