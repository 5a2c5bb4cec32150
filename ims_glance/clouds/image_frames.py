# SPDX-License-Identifier: Apache-2.0
"""The data of an image of another region, as verified frames.

The other region's IMS API sends them (``read_image_frames``). Where there is none, the Image API's
download is made into the same frames here; then all that is no zeros comes over the link.
"""

import base64
import contextlib
import dataclasses
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from keystoneauth1 import exceptions as auth_exceptions

from ims_glance.clouds import image_api, reading, rest
from ims_glance.clouds.region import Region
from ims_glance.transfer import cuts, frames, reader, writer
from ims_glance.transfer.frames import Cut
from ims_glance.transfer.held import NOTHING

# What a Glance without our plugin answers, or a web server in front of it. The first is Glance's list of
# versions (glance/api/middleware/version_negotiation.py).
_NOT_SERVED = (300, 404, 405, 501)
_UNKNOWN_PATH = b"IMG.0017"
# What a region answers to a cut that it does not know.
_MALFORMED = 400
# A link on which a frame takes longer stands still, though a byte comes now and then; seconds. A frame has
# a mebibyte of data at most.
_FRAME_SECONDS = reading.CHUNK_SECONDS


# So much is taken from a connection at once, if it is there.
_READ = 1 << 18


class _NotServed(Exception):
    """The region's IMS API has no such operation, or there is none at all."""


class _ImsApi(rest.Rest):
    def project_id(self) -> str:
        """That of the token, which stands in the path."""
        try:
            return str(self._adapter.get_project_id())
        except auth_exceptions.ClientException as error:
            raise self.translated(error) from error

    def _check(self, response: Any) -> None:
        if response.status_code in _NOT_SERVED:
            is_named = b"IMG." in response.content and _UNKNOWN_PATH not in response.content
            if not is_named:
                raise _NotServed
        super()._check(response)


class _Pace:
    """Whether frames come."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """From now on the next frame is waited for."""
        self._begun = time.monotonic()

    @property
    def is_lost(self) -> bool:
        """Whether it did not come in time."""
        return time.monotonic() - self._begun > _FRAME_SECONDS


class ImageFrames:
    """The images of a region, to be copied from there.

    :param region: as a job, or a caller, sees it
    :param timeout: of connecting, and of each wait for bytes; seconds
    :param watch: called whenever bytes came
    :ivar received: bytes that came over the link so far, of all that was opened
    :ivar sent: bytes that told what is held
    """

    def __init__(
        self,
        region: Region,
        timeout: tuple[float, float] | None = rest.TIMEOUT,
        watch: Callable[[], None] = lambda: None,
    ) -> None:
        self._rest = _ImsApi(region.adapter("image"), "Image", timeout, follows=False)
        self._images = image_api.ImageApi(dataclasses.replace(region, follows=False))
        self._watch = watch
        self._counting = threading.Lock()
        self.received = self.sent = 0

    @contextlib.contextmanager
    def open(
        self,
        image_id: str,
        size: int,
        offset: int = 0,
        length: int | None = None,
        held: bytes = b"",
        compress: bool = True,
        cut: Cut = cuts.FIXED,
    ) -> Iterator[Iterator[frames.Frame]]:
        """Open a range of an image: its frames, which are read once, in order and without gaps.

        The frames raise ``BadFrame`` for what is wrong, and ``ServiceUnavailable`` if they end too
        early: what came before is right, and the rest can be asked for again.

        :param size: that the image has to have, in bytes
        :param offset: of the range, in bytes
        :param length: of it, in bytes; ``None`` for all that follows
        :param held: what :class:`ims_glance.transfer.held.Held` is made of
        :param compress: whether the region tries to send fewer bytes
        :param cut: that what is held was cut by; the region is asked to cut so, and if it does not know
            that, which may change at any time, as each region knows it
        :raises ServiceUnavailable: if the region is away
        :raises DelegationEnded: if it does not accept the token
        :raises Missing, Refused: if there is no such image there, or it is not to be read
        """
        length = size - offset if length is None else length
        wanted = {"offset": offset, "length": length, "compress": compress}
        if not held:
            # There is nothing to be found.
            cut = cuts.FIXED
        pace = _Pace()
        with contextlib.ExitStack() as opened:
            chunks: Iterable[frames.Buffer]
            try:
                response, cut = self._asked(image_id, wanted, held, cut)
                opened.callback(response.close)
                chunks = self._counted(self._chunks(response, pace))
            except _NotServed:
                held, cut = b"", cuts.FIXED
                chunks = opened.enter_context(self._downloaded(image_id, size, offset, length))
            found = reader.read(chunks, offset, length, size=size, held=bool(held), sizes=cut)
            yield self._verified(found, pace)

    def knows(self, image_id: str, size: int, cut: Cut) -> bool:
        """Whether the region cuts images so; nothing is read of the image.

        Raises what :meth:`open` raises, but for a request that is refused as malformed.
        """
        wanted = {"offset": size, "length": 0, "compress": False, "cut": cut.name}
        try:
            self._answer(image_id, wanted, b"").close()
        except rest.NeighbourBusy:
            # It says so of what it understands.
            return True
        except _NotServed:
            return False
        except rest.Refused as error:
            if error.status != _MALFORMED:
                raise
            return False
        return True

    def _asked(
        self, image_id: str, wanted: dict[str, Any], held: bytes, cut: Cut
    ) -> tuple[Any, Cut]:
        """The answer, and how it is cut."""
        if cut is cuts.FIXED:
            return self._answer(image_id, wanted, held), cut
        try:
            return self._answer(image_id, {**wanted, "cut": cut.name}, held), cut
        except rest.Refused as error:
            if error.status != _MALFORMED:
                raise
        # It is older and knows no such cut; or something else is wrong, and still is.
        return self._answer(image_id, wanted, held), cuts.FIXED

    def _answer(self, image_id: str, wanted: dict[str, Any], held: bytes) -> Any:
        body = {**wanted, "held": base64.b64encode(held).decode()}
        with self._counting:
            self.sent += len(body["held"])
        response = self._rest.request(
            "POST",
            f"/v1/{self._rest.project_id()}/images/{image_id}/frames",
            json=body,
            headers={"Accept": frames.MEDIA_TYPE, "Accept-Encoding": "identity"},
            stream=True,
            log=False,
        )
        if response.headers.get("Content-Encoding", "identity") != "identity":
            # A few bytes could become any number of them.
            response.close()
            raise frames.BadFrame(offset=wanted["offset"], reason="it comes encoded")
        return response

    def _chunks(self, response: Any, pace: "_Pace") -> Iterator[bytes]:
        try:
            # As they come: zeros are a few bytes now and then, and nobody is to wait for more of them.
            while chunk := response.raw.read1(_READ):
                yield chunk
                if pace.is_lost:
                    raise self._rest.away(f"no frame came for {_FRAME_SECONDS:.0f} seconds")
        except reading.FAILURES as error:
            raise self._rest.away(f"a stream broke off: {error}") from error

    def _counted(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            with self._counting:
                self.received += len(chunk)
            self._watch()
            yield chunk

    @contextlib.contextmanager
    def _downloaded(
        self, image_id: str, size: int, offset: int, length: int
    ) -> Iterator[Iterable[bytes]]:
        """The stream that the region would have sent, made of its Image API's download."""
        if not length:
            yield writer.write((), offset, NOTHING, size, length=0)
            return
        # Without an end where it is the image's: then one that has become longer is found out, and
        # the whole is asked for without a range, which some stores do not know.
        wanted = None if offset + length == size else length
        with self._images.download(image_id, offset, wanted) as download:
            came = self._counted(download.chunks)
            part = writer.part(came, offset - download.offset, wanted)
            yield writer.write(part, offset, NOTHING, size, compress=False, length=length)

    def _verified(self, found: Iterator[frames.Frame], pace: "_Pace") -> Iterator[frames.Frame]:
        try:
            for frame in found:
                yield frame
                # Not while whoever takes it had to do.
                pace.begin()
        except frames.StreamCut as error:
            raise self._rest.away(error) from error
