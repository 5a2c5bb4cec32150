# SPDX-License-Identifier: Apache-2.0
from ims_glance.db.market import usage_schema
from ims_glance.db.schema import METADATA


def test_they_are_among_the_tables():
    assert METADATA.tables["market_uses"] is usage_schema.MARKET_USES
    assert METADATA.tables["market_metering"] is usage_schema.MARKET_METERING
    key = [column.name for column in usage_schema.MARKET_USES.primary_key]
    assert key == ["server_id", "product_code", "number"]
