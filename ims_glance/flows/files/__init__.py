# SPDX-License-Identifier: Apache-2.0
"""Images of files in the object storage."""
