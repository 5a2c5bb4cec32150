# SPDX-License-Identifier: Apache-2.0
"""Writers of disk images: a disk's bytes in, a file's bytes out, in order, and no I/O.

They are for stores that append, or take parts in any order: a multipart upload of S3, segments of
Swift. (``qemu-img`` writes its files at random: to a pipe it writes none of these but raw.)

========= =================================================== ============ ======= =================
format    what is written                                     left out if  head    state, each TiB
                                                              zero
========= =================================================== ============ ======= =================
``raw``   the disk as it is                                   nothing      none    200 bytes
``qcow2`` version 3, clusters of 64 KiB, not compressed       64 KiB       64 KiB  20 KiB
``vhd``   dynamic, of exactly the disk's size                 2 MiB        2 MiB   128 KiB
``vmdk``  streamOptimized, zlib level 1                       64 KiB       none    144 KiB
``zvhd``  zlib level 1, one stream                            2 MiB        none    200 bytes
``zvhd2`` zstd level 1, with an index                         2 MiB        none    1.2 MiB
========= =================================================== ============ ======= =================

The *head* is the beginning of the file, which is known when all else was written; it has a fixed length
(of ``vhd`` 1.5 KiB and 4 bytes for each 2 MiB). The tables that a writer keeps in memory take 16 KiB
for each TiB in ``qcow2``, 0.5 MiB in ``vhd``, 128 KiB in ``vmdk`` and 1.5 MiB in ``zvhd2``; besides it holds
what it was given since the last whole block.

The *state* is what another process needs to go on in the midst of a file. It is bounded by the table, has none of
the disk's bytes in it, so that it may be kept where an encrypted image may not, and what comes after it is, byte for
byte, what would have come otherwise (with the same zlib, for what is compressed).

The layout of zvhd and zvhd2 is that of the driver that Huawei published (huaweicloud/ims-qemu-img, for qemu
2.3); no file of its cloud was at hand to compare with. Both round the disk up to whole GiB, as the driver does, and
note its own size beside that.

They are no part of :mod:`ims_glance.formats`, which reads what others wrote, since the client has them too, and is
installed without what reading needs.

An OVA is a disk's ``vmdk`` and what stands around it, which is in :mod:`ims_glance.writers.archive`.

What is common is in :mod:`ims_glance.writers.base`, a writer is made by
:mod:`ims_glance.writers.factory`, and :mod:`ims_glance.writers.parts` cuts a file into parts.
"""
