# SPDX-License-Identifier: Apache-2.0
"""What the commands share: how they read the command line, and how they show what there is."""
