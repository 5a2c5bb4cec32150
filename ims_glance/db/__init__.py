# SPDX-License-Identifier: Apache-2.0
"""The service's own database: jobs, what callers delegated for them, workers, audit events, orphans; one module a table."""
