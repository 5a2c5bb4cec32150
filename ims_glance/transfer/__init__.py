# SPDX-License-Identifier: Apache-2.0
"""How the data of an image goes to another region: the wire format, complete enough to write a reader from.

A *range* of the image's plain bytes is sent as one stream of *frames*. It is cut into *pieces*, in one of
the ways below. Pieces that follow each other and are of one kind make a frame, which is a *run* of at
most 1 MiB (zeros: of any length):

======== ==================================================================================
``ZERO`` nothing but zeros
``HELD`` the receiver said that it has each piece of the run, wherever; only hashes are sent
``DATA`` the bytes of the run, compressed if that pays
``END``  nothing: the range is complete. A stream without it was cut
======== ==================================================================================

What the receiver has it says when it asks for the range: the first 8 bytes of the BLAKE3-256 of each of
its pieces, 524,288 at most, sorted as bytes, each once. (:mod:`ims_glance.transfer.held`)

The cuts
--------
The receiver names the cut that it wants. A sender that does not know it refuses the request, and is asked
for ``fixed-65536``, which every sender knows. (:mod:`ims_glance.transfer.cuts`)

``fixed-65536``
    Pieces end at the multiples of 65,536 of the image's bytes, and at the range's end.

``content-32768``, ``content-65536``
    *Blocks* end at the multiples of 4,096 of the image's bytes, and at the range's end. A piece consists of
    blocks, and ends

    * before and behind blocks of nothing but zeros, which are pieces of their own,
    * behind a block whose BLAKE3-256 begins with a byte below 32 (``content-65536``: below 16),
    * where one more block of 4,096 bytes would make it longer than 65,536 bytes (``content-65536``:
      126,976), and
    * at the range's end.

File systems put a file at the beginning of a block, and its bytes into blocks that follow each other. So
the same file makes the same pieces in two images, wherever it lies, but for the first and the last one.
A cut at any byte, by a rolling hash, finds as much in disks, takes more than twice the time, and needs a
library; only what is in no blocks, such as a compressed image, would it find better.

The stream
----------
Numbers are big-endian: ``u64`` of 8 bytes, ``u32`` of 4, ``u8`` of one::

    stream = magic | offset of the range (u64) | frame | frame | ... | END

    ZERO   = "Z" (u8) | offset (u64) | length (u64) | check
    HELD   = "H" (u8) | offset (u64) | length (u64) | digest | count | prefix of each piece | check
    DATA   = "D" (u8) | offset (u64) | length (u64) | digest | codec (u8) | stored (u32) | check
             | the stored bytes
    END    = "E" (u8) | length of the range (u64) | size of the image (u64) | check

    magic    "IMSFRM1\\n" of a fixed cut, "IMSFRM2\\n" of one by content
    offset   of the frame's first byte in the image: where the frame before it ended
    length   in bytes of the image, at least 1; a frame consists of whole pieces
    count    of the pieces (u32); of a fixed cut, where the lengths say it, nothing
    digest   BLAKE3-256 of the run's plain bytes, 32 bytes
    prefix   the first 8 bytes of the BLAKE3-256 of one piece
    codec    0: the stored bytes are the run's, so stored = length
             1: they are one zstd frame that tells its content's size, and stored < length
    check    the first 8 bytes of BLAKE3-256(the check before | all of this frame that stands before
             it); the one before the first frame's is that of the stream's first 16 bytes

So each bit of a stream is under a hash, the order of frames too, and a fault is found at the frame that it
is in, before anything of that is used. These hashes find faults, and no lies: whoever sends may send
anything. An image is therefore compared as a whole, with the digest that Glance has of it, before it can be used.

Two pieces may have one prefix, by chance or since somebody made them so: a HELD run is what the
receiver has only if the digest says so, and otherwise it is asked for once more.

A sender writes by :mod:`ims_glance.transfer.writer`, a receiver reads by :mod:`ims_glance.transfer.reader`,
which believes nothing. Both hold about two runs in memory. (:mod:`ims_glance.transfer.frames`)
"""
