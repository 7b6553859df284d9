"""The one partition of everything nightly: the day of receipt in Asia/Almaty."""

import dagster as dg

TIME_ZONE = "Asia/Almaty"

# The regulation's first duties (demonstration) are of 2021-07-01; today is a partition too (end_offset).
day_of_receipt = dg.DailyPartitionsDefinition(start_date="2021-07-01", timezone=TIME_ZONE, end_offset=1)
