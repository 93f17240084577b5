"""A machine-learning project that tests, retrains and ships itself."""
