"""The steps of the pipeline: pure functions, values in and values out."""
