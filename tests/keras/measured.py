"""Metrics with settings, and batches of labels and outputs to measure."""

import numpy as np

ROWS, CLASSES, STEPS = (40, 25, 7), 4, 3


def flat(kind):
    """Batches of labels and outputs: one entry a row, several classes a row, or steps of several classes."""
    shapes = {"binary": (), "one": (1,), "classes": (CLASSES,), "steps": (STEPS, CLASSES)}
    rng, batches = np.random.default_rng(1), []
    for rows in ROWS:
        p = rng.random((rows, *shapes[kind])).astype(np.float32)
        y = (rng.random(p.shape) < 0.3 + 0.4 * p).astype(np.float32)
        batches.append((y, p))
    return batches


def one_hot():
    return [
        (np.eye(CLASSES, dtype="f")[np.random.default_rng(2).integers(0, CLASSES, len(p))], p)
        for _, p in flat("classes")
    ]


def numbers():
    return [(y.argmax(-1), p) for y, p in one_hot()]


def real():
    rng = np.random.default_rng(3)
    return [(y + rng.normal(size=y.shape).astype("f"), p) for y, p in flat("classes")]


def positive():
    return [(np.abs(y) + 0.1, p) for y, p in real()]


CASES = {
    "AUC": ({}, flat("binary")),
    "AUC of steps": ({}, flat("steps")),
    "AUC of few thresholds": ({"thresholds": [0.2, 0.3, 0.9], "summation_method": "minoring"}, flat("one")),
    "AUC PR": ({"curve": "PR"}, flat("one")),
    "AUC PR majoring": ({"curve": "PR", "summation_method": "majoring"}, flat("one")),
    "AUC PRGAIN": ({"curve": "PRGAIN"}, flat("one")),
    "AUC of labels": ({"multi_label": True, "num_thresholds": 50}, flat("classes")),
    "AUC of weighted labels": ({"multi_label": True, "label_weights": [1, 2, 3, 0.5]}, flat("classes")),
    "AUC with weighted entries": ({"label_weights": [1, 2, 3, 0.5]}, flat("classes")),
    "AUC PR of labels": ({"multi_label": True, "num_labels": 4, "curve": "PR"}, flat("classes")),
    "AUC of logits": ({"from_logits": True}, real()),
    "Precision": ({}, flat("classes")),
    "Precision of thresholds": ({"thresholds": [0.7, 0.1, 0.4]}, flat("binary")),
    "Precision of even thresholds": ({"thresholds": [0.0, 0.5, 1.0]}, real()),
    "Precision of the best": ({"top_k": 2}, flat("classes")),
    "Precision of the best above": ({"top_k": 2, "thresholds": 0.6}, flat("classes")),
    "Precision of a class": ({"class_id": 2}, flat("classes")),
    "Precision of a class among the best": ({"class_id": 2, "top_k": 2}, flat("classes")),
    "Recall": ({}, flat("steps")),
    "Recall of a class": ({"class_id": 1, "thresholds": 0.3}, flat("steps")),
    "TruePositives": ({}, flat("classes")),
    "TrueNegatives": ({"thresholds": [0.3, 0.6]}, flat("classes")),
    "FalsePositives": ({}, flat("one")),
    "FalseNegatives": ({}, flat("binary")),
    "SensitivityAtSpecificity": ({"specificity": 0.6}, flat("binary")),
    "SpecificityAtSensitivity": ({"sensitivity": 0.6, "num_thresholds": 20}, flat("classes")),
    "PrecisionAtRecall": ({"recall": 0.7, "class_id": 1}, flat("classes")),
    "RecallAtPrecision": ({"precision": 0.6, "num_thresholds": 1}, flat("classes")),
    "F1Score": ({}, one_hot()),
    "F1Score micro": ({"average": "micro"}, one_hot()),
    "F1Score macro of thresholds": ({"average": "macro", "threshold": 0.5}, flat("classes")),
    "FBetaScore weighted": ({"average": "weighted", "beta": 2.0}, one_hot()),
    "R2Score": ({}, real()),
    "R2Score by entry": ({"class_aggregation": None}, real()),
    "R2Score by variance, adjusted": ({"class_aggregation": "variance_weighted_average", "num_regressors": 3}, real()),
    "PearsonCorrelation": ({}, real()),
    "ConcordanceCorrelation": ({}, real()),
    "ConcordanceCorrelation along the rows": ({"axis": 0}, real()),
    "CosineSimilarity": ({}, real()),
    "LogCoshError": ({}, real()),
    "MeanSquaredError": ({}, real()),
    "RootMeanSquaredError": ({}, real()),
    "MeanAbsoluteError": ({}, real()),
    "MeanAbsolutePercentageError": ({}, real()),
    "MeanSquaredLogarithmicError": ({}, positive()),
    "KLDivergence": ({}, positive()),
    "Poisson": ({}, positive()),
    "Hinge": ({}, flat("classes")),
    "SquaredHinge": ({}, flat("classes")),
    "CategoricalHinge": ({}, one_hot()),
    "BinaryCrossentropy": ({"label_smoothing": 0.1}, flat("classes")),
    "BinaryCrossentropy of logits": ({"from_logits": True}, [(y, 3 * p - 1) for y, p in flat("classes")]),
    "CategoricalCrossentropy": ({"label_smoothing": 0.1}, one_hot()),
    "SparseCategoricalCrossentropy": ({"from_logits": True}, numbers()),
    "Accuracy": ({}, [(y, np.round(p)) for y, p in flat("classes")]),
    "BinaryAccuracy": ({"threshold": 0.3}, flat("classes")),
    "CategoricalAccuracy": ({}, one_hot()),
    "SparseCategoricalAccuracy": ({}, numbers()),
    "TopKCategoricalAccuracy": ({"k": 2}, one_hot()),
    "SparseTopKCategoricalAccuracy": ({"k": 2}, numbers()),
    "SparseTopKCategoricalAccuracy of numbers": (
        {"k": 2, "from_sorted_ids": True},
        [(y.astype("f"), np.argsort(-p).astype("f")) for y, p in numbers()],
    ),
}


def made(keras, name):
    return getattr(keras.metrics, name.split()[0])(**CASES[name][0])
