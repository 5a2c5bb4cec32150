# SPDX-License-Identifier: Apache-2.0
"""What Horizon reads to find the console's panels: files as in its own folder of this name."""
