"""What has to open a model to be known: each probe asks the packaged model and reports a guard."""
