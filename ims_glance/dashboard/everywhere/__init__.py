# SPDX-License-Identifier: Apache-2.0
"""Images of all projects, in the administrators' dashboard."""
