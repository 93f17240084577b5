"""YOURS: raw columns to model inputs."""

from sklearn.compose import ColumnTransformer
from sklearn.preprocessing import OneHotEncoder


def build_features(numbers: list[str], categories: list[str]) -> ColumnTransformer:
    """Numbers pass as they are (gradient boosting knows missing values); categories are one-hot.

    Each input arrives as one column: numbers as float32 with NaN, categories as text with "".
    A step that does not convert to ONNX still works; the service is then slower.
    """
    one_hot = OneHotEncoder(handle_unknown="ignore", max_categories=None, sparse_output=False)
    return ColumnTransformer(
        [("category", one_hot, categories), ("number", "passthrough", numbers)]
    )
