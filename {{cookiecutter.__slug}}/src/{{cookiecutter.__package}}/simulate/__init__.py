"""A year of the loop in minutes: what it would have done, beside three simpler policies."""
