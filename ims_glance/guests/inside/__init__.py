# SPDX-License-Identifier: Apache-2.0
"""What a child process does that has the appliance: find a system on a disk, and make it ready."""
