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


def logged_line(at, id_, version, rows, answers, names):
    """A request as a line of the prediction log."""
    from your_package.serving.part import line

    columns = {name: [row[name] for row in rows] for name in names}
    return line(at, version, [(id_, len(rows))], columns, answers)
