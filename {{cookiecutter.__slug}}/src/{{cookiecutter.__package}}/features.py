"""YOURS: raw columns to model inputs."""

from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.preprocessing import OrdinalEncoder


def build_features(
    numbers: list[str], categories: list[str], texts: list[str]
) -> ColumnTransformer:
    """Categories first, as codes; then numbers as they are, gaps included; then words of texts.

    A category becomes a code, its rarest values beyond 250 a common one, and a value that training
    never saw becomes -1, which the model takes as missing. A text becomes counts of its 200 most
    frequent words.

    Each input arrives as one column: numbers as float32 with NaN, words as text with "", texts as
    lower-case words between single spaces. A step that does not convert to ONNX still works; the
    service is then slower.
    """
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, max_categories=250)
    word = "[^ ]+"
    counts = CountVectorizer(max_features=200, lowercase=False, token_pattern=word)
    return ColumnTransformer(
        [
            *((name, codes, [name]) for name in categories),
            ("numbers", "passthrough", numbers),
            *((name, counts, name) for name in texts),
        ],
        sparse_threshold=0,
    )
