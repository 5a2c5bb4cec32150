# SPDX-License-Identifier: Apache-2.0
import pytest

from tests.unit.db.market.rows import MarketTables


@pytest.fixture
def market(tables):
    """The tables of the marketplace, empty."""
    return MarketTables(tables.database)
