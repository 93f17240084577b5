"""Boosted trees as an ONNX graph computes them: float32 thresholds, and splits by category.

skl2onnx writes a split by category as one by a threshold. ONNX Runtime follows a chain of equality
tests to one child, as LightGBM's converter writes them; that is what such a split becomes here.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

Node = dict[str, Any]
NEVER = -2.0
FIELDS = (
    "treeids", "nodeids", "featureids", "modes", "values", "truenodeids", "falsenodeids",
    "missing_value_tracks_true", "hitrates",
)  # fmt: skip


def boosting_of(estimator: Any) -> Any:
    """The histogram gradient boosting inside a pipeline, if there is one."""
    steps = getattr(estimator, "named_steps", {"": estimator}).values()
    return next((step for step in steps if hasattr(step, "_predictors")), None)


def round_thresholds(boosting: Any) -> None:
    """Thresholds as float32, rounded down.

    Inputs are float32, so `x <= threshold` stays what it was; rounded up, as a converter may do,
    it would not.
    """
    for tree in _trees(boosting):
        exact = tree.nodes["num_threshold"]
        near = exact.astype(np.float32)
        down = np.nextafter(near, np.float32(-np.inf), dtype=np.float32)
        tree.nodes["num_threshold"] = np.where(near > exact, down, near)


def split_by_category(model: Any, boosting: Any) -> None:
    """Mend the splits by category in a converted graph.

    Raises:
        ValueError: the graph does not hold these trees.
    """
    trees = list(_trees(boosting))
    if not any(tree.nodes["is_categorical"].any() for tree in trees):
        return
    (graph_node,) = [n for n in model.graph.node if n.op_type.startswith("TreeEnsemble")]
    attributes = {a.name: a for a in graph_node.attribute}
    known = boosting._bin_mapper.bin_thresholds_  # noqa: SLF001 - the categories, by feature
    mended: list[Node] = []
    for tree, nodes in zip(trees, _read(attributes), strict=True):
        if len(tree.nodes) != len(nodes):
            raise ValueError("the graph holds other trees")
        mended += _mend(tree, nodes, known)
    for field in FIELDS:
        attribute = attributes[f"nodes_{field}"]
        kind = next(kind for kind in ("ints", "floats", "strings") if len(getattr(attribute, kind)))
        held = getattr(attribute, kind)
        del held[:]
        held.extend(node[field] for node in mended)


def _trees(boosting: Any) -> Iterator[Any]:
    for predictors in boosting._predictors:  # noqa: SLF001 - there is no public way to the trees
        yield from predictors


def _read(attributes: dict[str, Any]) -> Iterator[list[Node]]:
    """The nodes of each tree, in their order."""
    columns = {}
    for field in FIELDS:
        one = attributes[f"nodes_{field}"]
        columns[field] = list(one.ints) or list(one.floats) or list(one.strings)
    nodes = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    for tree in dict.fromkeys(columns["treeids"]):
        yield [node for node in nodes if node["treeids"] == tree]


def _mend(tree: Any, nodes: list[Node], known: list[Any]) -> list[Node]:
    """Replace every split by category by a chain of tests, appended after the tree's own nodes."""
    added: list[Node] = []
    for place, made in enumerate(tree.nodes):
        if made["is_leaf"] or not made["is_categorical"]:
            continue
        node = nodes[place]
        words = tree.raw_left_cat_bitsets[made["bitset_idx"]]
        all_codes = {int(code) for code in known[made["feature_idx"]]}
        left = {code for code in all_codes if (int(words[code // 32]) >> (code % 32)) & 1}
        else_left = bool(made["missing_go_to_left"])  # unknown codes go where missing ones go
        asked = sorted(all_codes - left if else_left else left) or [NEVER]
        ends = (node["falsenodeids"], node["truenodeids"])
        hit, other = ends if else_left else ends[::-1]
        first = len(nodes) + len(added)
        chain = [place, *range(first, first + len(asked) - 1)]
        for n, (own, code) in enumerate(zip(chain, asked, strict=True)):
            test = {**node, "nodeids": own, "modes": b"BRANCH_EQ", "values": float(code)}
            test |= {"truenodeids": hit, "missing_value_tracks_true": 0}
            test["falsenodeids"] = chain[n + 1] if n + 1 < len(chain) else other
            if n:
                added.append(test)
            else:
                nodes[place] = test
    return [*nodes, *added]
