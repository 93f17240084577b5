"""A customer of the sample, as a request has it."""

ROW = {
    "region": "north",
    "plan": "plus",
    "tenure_months": 24,
    "support_calls": 1,
    "usage_hours": 20.5,
    "monthly_spend": 45.0,
    "satisfaction": 7,
}
