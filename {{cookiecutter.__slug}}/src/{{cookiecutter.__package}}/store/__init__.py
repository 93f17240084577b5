"""Where versions live: bundles on disk, and the MLflow registry that names them."""
