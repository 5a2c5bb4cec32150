# SPDX-License-Identifier: Apache-2.0
"""Generated tests are not timed: what runs them may have other things to do."""

from hypothesis import HealthCheck, settings

settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")
