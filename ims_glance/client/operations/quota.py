# SPDX-License-Identifier: Apache-2.0
"""What a project has and may have."""

from ims_glance.client.operations.base import Operations
from ims_glance.client.resources.quota import Quota


class QuotaOperations(Operations):
    """Quotas."""

    def quotas(self) -> list[Quota]:
        """The project's limits, and how much of them is used."""
        answer = self.get("/v1/cloudimages/quota").json()
        return [Quota.existing(**each) for each in answer["quotas"]["resources"]]
