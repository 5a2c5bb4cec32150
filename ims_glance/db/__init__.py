# SPDX-License-Identifier: Apache-2.0
"""The service's own database: jobs, and what callers delegated for them; one module a table."""
