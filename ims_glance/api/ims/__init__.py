# SPDX-License-Identifier: Apache-2.0
"""The IMS API, mounted beside the Image API in the same process.

``operations`` is the table of all operations, put together from one module a noun (``image``,
``tag``, ...). ``app`` serves it: find the operation, ask the policy, check the request against the
operation's schemas, call the handler. Handlers reach images through Glance's own application.
"""
