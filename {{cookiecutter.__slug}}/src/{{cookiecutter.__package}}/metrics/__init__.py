"""Metrics with standard errors: pure functions of answers and predictions."""
