"""The code location: assembled here and nothing else."""

import dagster as dg

from ingestion import warehouse
from ingestion.contract import load_catalogue
from orchestration.assets.forms import form_assets
from orchestration.assets.marts import mart_assets
from orchestration.assets.quality import quality_assets
from orchestration.assets.receipts import receipts_asset
from orchestration.assets.submissions import submissions
from orchestration.resources import Warehouse, dbt_resource
from orchestration.schedules import nightly, nightly_load, receive
from orchestration.sensors import inbox

catalogue = load_catalogue()

defs = dg.Definitions(
    assets=[
        submissions,
        *form_assets(catalogue),
        *quality_assets(catalogue),
        receipts_asset(catalogue),
        mart_assets(warehouse.home()),
    ],
    jobs=[nightly_load, receive],
    schedules=[nightly],
    sensors=[inbox],
    resources={"store": Warehouse(), "dbt_cli": dbt_resource()},
)
