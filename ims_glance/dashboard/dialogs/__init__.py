# SPDX-License-Identifier: Apache-2.0
"""What is asked of the user before something is done to an image."""
