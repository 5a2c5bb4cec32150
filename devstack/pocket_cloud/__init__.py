# SPDX-License-Identifier: Apache-2.0
"""The pocket cloud: a real OpenStack on one machine, from Debian's and PyPI's packages.

It runs with the standard library alone, because it installs everything else. Where to look:

``catalog``     which services there are, how each is started and how it is known to be ready
``templates/``  the configuration file of each service
``setup``       what is done once: databases, Keystone's users, pools, flavors
``plan``        puts both into one graph, and runs it as parallel as the dependencies allow
``process``     starting, recognising and stopping a process
"""
