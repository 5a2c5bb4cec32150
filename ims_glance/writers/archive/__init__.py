# SPDX-License-Identifier: Apache-2.0
"""OVA: one machine in a tar archive (DSP0243, "Open Virtualization Format").

In it follow each other, as section 5.3 has them: the description (:mod:`.ovf`), the manifest with the digests of all others,
and the disks, as streamOptimized VMDK (:class:`ims_glance.writers.vmdk.OvaDiskWriter`).

What stands before a disk tells its length, and the manifest its digest, which are known when the disk was written.
So an archive is written from its end: each disk with what stands before the next one behind it, and
what stands before the first one last. Nothing is written twice, and no part is held until another is known.
"""
