# SPDX-License-Identifier: Apache-2.0
"""The encrypting store: glance_store driver ``ims-kms``.

From the outside in: :mod:`driver` speaks glance_store's language, :mod:`objects` knows bodies and
headers, :mod:`upload` and :mod:`download` move the bytes, :mod:`inner` puts them somewhere.
"""
