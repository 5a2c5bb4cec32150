# SPDX-License-Identifier: Apache-2.0
"""The addresses of what is beside images in their panel: backups, replications, jobs."""

from django.urls import path

from ims_glance.dashboard.backups import details as backup_details
from ims_glance.dashboard.backups import dialogs as backup_dialogs
from ims_glance.dashboard.backups import listing as backup_listing
from ims_glance.dashboard.jobs import details as job_details
from ims_glance.dashboard.jobs import listing as job_listing
from ims_glance.dashboard.replications import details as replication_details
from ims_glance.dashboard.replications import dialogs as replication_dialogs
from ims_glance.dashboard.replications import listing as replication_listing

urlpatterns = [
    path("jobs/", job_listing.JobsView.as_view(), name="jobs"),
    # That of a part has a number behind it.
    path("jobs/<slug:job_id>/", job_details.JobView.as_view(), name="job"),
    path("backups/", backup_listing.BackupsView.as_view(), name="backups"),
    path("backups/create/", backup_dialogs.BackUpView.as_view(), name="create_backup"),
    path("backups/<slug:backup_id>/", backup_details.BackupView.as_view(), name="backup"),
    path(
        "backups/<slug:backup_id>/image/",
        backup_dialogs.ImageOfBackupView.as_view(),
        name="image_of_backup",
    ),
    path("replications/", replication_listing.ReplicationsView.as_view(), name="replications"),
    path(
        "replications/create/",
        replication_dialogs.BeginReplicationView.as_view(),
        name="create_replication",
    ),
    path(
        "replications/<slug:replication_id>/",
        replication_details.ReplicationView.as_view(),
        name="replication",
    ),
    path(
        "replications/<slug:replication_id>/change/",
        replication_dialogs.ChangeReplicationView.as_view(),
        name="change_replication",
    ),
]
