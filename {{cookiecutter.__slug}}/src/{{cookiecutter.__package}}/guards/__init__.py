"""What else a challenger must not break: pure functions of the table of predictions."""
