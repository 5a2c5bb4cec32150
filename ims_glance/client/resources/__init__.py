# SPDX-License-Identifier: Apache-2.0
"""What the service knows of, as openstacksdk resources."""
