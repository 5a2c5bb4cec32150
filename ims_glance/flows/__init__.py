# SPDX-License-Identifier: Apache-2.0
"""What jobs do: one module a feature, each with a TaskFlow flow for its job types."""

from collections.abc import Callable, Mapping

from taskflow.flow import Flow

from ims_glance.flows.context import JobContext

FlowFactory = Callable[[JobContext], Flow]

JOB_TYPES: Mapping[str, FlowFactory] = {}
"""Job type -> what makes the flow of such a job. The flow must be the same for the same job each
time it is made, whatever happened meanwhile: it is made again when a worker goes on."""
