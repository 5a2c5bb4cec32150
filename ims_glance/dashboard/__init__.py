# SPDX-License-Identifier: Apache-2.0
"""The console: image management as a panel of Horizon.

It is another client of the public IMS API, with the user's own token, and knows no rules: what may not be
done is what the service refuses. It runs on Horizon's host, where there is no Glance::

    pip install 'ims_glance[dashboard]'

and says in Horizon's local settings::

    from ims_glance.dashboard import settings as ims_settings

    ims_settings.extend(globals())
"""
