"""The service: answers predictions from a bundle, without MLflow, pandas or Polars."""
