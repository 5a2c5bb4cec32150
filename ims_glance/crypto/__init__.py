# SPDX-License-Identifier: Apache-2.0
"""How an encrypted image is stored: the format, complete enough to write a reader from.

An image is two objects of the inner store, named after a random *object id* (32 lower-case
hexadecimal digits) that says nothing about the image:

======================== ====================================================================
``ims-<id>``             the *body*: the image's bytes, encrypted. Written once, never changed.
``ims-<id>.header-a``    the *header*: what is needed, besides a key of the key manager, to read
or ``ims-<id>.header-b`` the body. Written after the body; an object without one is garbage.
======================== ====================================================================

There are two header names so that a header can be replaced with nothing more than "add" and
"delete": the new one is written under the free name, then the old one is deleted. A reader takes
``-a`` if it is there, else ``-b``; between the two steps both are valid.

The body
--------
Tink's streaming AEAD ``AES256_GCM_HKDF_1MB`` (https://developers.google.com/tink/streaming-aead),
so that any Tink library can open it. Key: the 32-byte data key. Associated data: the object id, as
its 32 ASCII characters. In short::

    body    = segment 0 | segment 1 | ... | last segment      each but the last 1048576 bytes long
    prelude = 0x28 | salt (32 bytes) | nonce prefix (7 bytes)               the first 40 bytes
    key     = HKDF-SHA256(data key, salt = salt, info = object id, 32 bytes)
    nonce_i = nonce prefix | i as 32-bit big-endian | 0x01 if segment i is the last one, else 0x00
    segment 0 = prelude | AES-256-GCM(key, nonce_0, first 1048520 bytes of the image, no AAD)
    segment i =           AES-256-GCM(key, nonce_i, next  1048560 bytes of the image, no AAD)

An empty image has one segment, of no plaintext. The place of a segment is in its nonce and the
end of the body in the last one's, so that segments which were cut off, repeated, moved or taken
from another body do not open. (:mod:`ims_glance.crypto.stream`)

The header
----------
Three lines of ASCII, each ended by one newline::

    IMS-KMS 1
    {"image_id":"<image id>","object_id":"<object id>","plaintext_size":<bytes>,"prelude":"<base64>",
     "slots":[{"key_id":"<id>","nonce":"<base64, 12 bytes>","wrapped_key":"<base64, 48 bytes>"}]}
    <HMAC, 64 lower-case hexadecimal digits>

The second is one line of JSON, keys sorted, no white space, non-ASCII escaped; ``prelude`` repeats
the 40 bytes that the body begins with. A *slot* holds the data key, wrapped with one key of the key
manager; whoever may read the key of any slot can open the image::

    wrapping key = HKDF-SHA256(key of the key manager, salt = object id,
                               info = "ims-kms/1 wrap", 32 bytes)
    wrapped_key  = AES-256-GCM(wrapping key, nonce, data key,
                               AAD = "ims-kms/1 slot\\n" object id "\\n" image id "\\n" key id)
    HMAC         = HMAC-SHA256(HKDF-SHA256(data key, no salt, info = "ims-kms/1 header", 32 bytes),
                               the first two lines with their newlines)

Ids stand in ASCII. To read: parse the header, unwrap a slot, check the HMAC, check that the object
id is that of the object's name, then open the body. (:mod:`ims_glance.crypto.envelope`)

A sealed image as a file
------------------------
What ``export_image`` writes for ``sealed``: one file of five lines of ASCII, each ended by one newline, and the
body behind them, as it lies in the store::

    IMS-SEALED 1
    <the three lines of the header>
    <base64: AES-SIV(key, {"digest":"<hexadecimal>","disk_format":"raw","hash_name":"sha512","size":<bytes>},
                     AAD = the first four lines with their newlines)>
    <body>

    key = HKDF-SHA256(data key, no salt, info = "ims-kms/1 sealed file", 64 bytes)

AES-SIV (RFC 5297) is Tink's deterministic AEAD ``AES256_SIV``: whoever asks for the same file twice gets the same
bytes, so that a transfer that broke off goes on where it was. The fifth line says what the header does not, above all
the digest of the image: in the clear it would let everybody who has the file find out whether a guess at the image is
right. More fields may follow in it, sorted by name, without white space; a reader passes over those that it does not
know. The file ends where the body does. To read: parse the header, unwrap a slot with a key (which may have another id in
the key manager of another region; the slot's own goes into the AAD), check the HMAC, open the fifth line, then the body.
(:mod:`ims_glance.crypto.sealed_file`)

So changing the key of an image of any size replaces some hundred bytes, giving it to another key as
well adds a slot, and deleting the header erases the image whatever becomes of the body.
"""
