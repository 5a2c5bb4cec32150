# SPDX-License-Identifier: Apache-2.0
"""The IMS API from Python and from the command line.

With openstacksdk, one line gives a connection the service::

    import openstack
    import ims_glance.client

    conn = ims_glance.client.register(openstack.connect(cloud="mycloud"))
    for image in conn.ims.images(os_type="Linux"):
        print(image.name, image.kind, image.is_encrypted)
    job = conn.ims.copy_image(image, "copy", cmk_id="ims/default")
    conn.ims.wait_for_job(job)

or none at all, with ``vendor_hook: "ims_glance.client:register"`` in the cloud's section of
``clouds.yaml``. Methods are in :class:`ims_glance.client.proxy.Proxy`.

``openstack ims ...`` is a plugin of openstackclient made of the same parts.
"""

from ims_glance.client.service import register

__all__ = ["register"]
