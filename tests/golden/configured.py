"""Objects that have configs, one of every class and with arguments other than the defaults; by Keras or by fastlstm."""

from collections.abc import Callable
from typing import Any

MAKERS: dict[str, Callable[[Any], Any]] = {
    "losses.CategoricalCrossentropy": lambda k: k.losses.CategoricalCrossentropy(True, 0.25, reduction="sum", name="a"),
    "losses.SparseCategoricalCrossentropy": lambda k: k.losses.SparseCategoricalCrossentropy(True, name="b"),
    "losses.BinaryCrossentropy": lambda k: k.losses.BinaryCrossentropy(True, 0.25, reduction="none"),
    "losses.MeanSquaredError": lambda k: k.losses.MeanSquaredError(reduction="sum", name="c"),
    "losses.MeanAbsoluteError": lambda k: k.losses.MeanAbsoluteError(reduction=None),
    "losses.Huber": lambda k: k.losses.Huber(0.5, name="d"),
    "metrics.BinaryAccuracy": lambda k: k.metrics.BinaryAccuracy("a", "float64", 0.75),
    "metrics.CategoricalAccuracy": lambda k: k.metrics.CategoricalAccuracy("b"),
    "metrics.SparseCategoricalAccuracy": lambda k: k.metrics.SparseCategoricalAccuracy("c", "float64"),
    "metrics.TopKCategoricalAccuracy": lambda k: k.metrics.TopKCategoricalAccuracy(3, "d"),
    "metrics.SparseTopKCategoricalAccuracy": lambda k: k.metrics.SparseTopKCategoricalAccuracy(2, "e"),
    "metrics.MeanSquaredError": lambda k: k.metrics.MeanSquaredError("f"),
    "metrics.MeanAbsoluteError": lambda k: k.metrics.MeanAbsoluteError("g"),
    "metrics.RootMeanSquaredError": lambda k: k.metrics.RootMeanSquaredError("h"),
    "metrics.CategoricalCrossentropy": lambda k: k.metrics.CategoricalCrossentropy("i"),
    "metrics.SparseCategoricalCrossentropy": lambda k: k.metrics.SparseCategoricalCrossentropy("j"),
    "metrics.BinaryCrossentropy": lambda k: k.metrics.BinaryCrossentropy("k"),
    "optimizers.SGD": lambda k: k.optimizers.SGD(0.5, 0.75, True, weight_decay=0.25, clipnorm=2.0, name="a"),
    "optimizers.RMSprop": lambda k: k.optimizers.RMSprop(0.5, 0.75, 0.25, 1e-3, True, clipvalue=2.0),
    "optimizers.Adam": lambda k: k.optimizers.Adam(0.5, 0.75, 0.25, 1e-3, True, global_clipnorm=2.0),
    "optimizers.AdamW": lambda k: k.optimizers.AdamW(
        k.optimizers.schedules.ExponentialDecay(0.5, 10, 0.75, True, "e"), weight_decay=0.25
    ),
    "optimizers.Nadam": lambda k: k.optimizers.Nadam(0.5, 0.75, 0.25, 1e-3, use_ema=True, ema_momentum=0.75),
    "optimizers.Adagrad": lambda k: k.optimizers.Adagrad(0.5, 0.25, 1e-3, gradient_accumulation_steps=3),
    "optimizers.Adadelta": lambda k: k.optimizers.Adadelta(0.5, 0.75, 1e-3, ema_overwrite_frequency=2, use_ema=True),
    "optimizers.Adamax": lambda k: k.optimizers.Adamax(0.5, 0.75, 0.25, 1e-3),
    "optimizers.Lion": lambda k: k.optimizers.Lion(0.5, 0.75, 0.25, weight_decay=0.5),
    "optimizers.Ftrl": lambda k: k.optimizers.Ftrl(0.5, -0.25, 0.75, 0.125, 0.5, 0.25, 2.0),
    "optimizers.Adafactor": lambda k: k.optimizers.Adafactor(0.5, -0.5, 1e-3, 1e-2, 2.0, False),
    "optimizers.Lamb": lambda k: k.optimizers.Lamb(0.5, 0.75, 0.25, 1e-3),
    "optimizers.schedules.ExponentialDecay": lambda k: k.optimizers.schedules.ExponentialDecay(0.5, 10, 0.75, True),
    "optimizers.schedules.CosineDecay": lambda k: k.optimizers.schedules.CosineDecay(0.5, 10, 0.25, "c", 0.75, 3),
    "optimizers.schedules.CosineDecayRestarts": lambda k: k.optimizers.schedules.CosineDecayRestarts(
        0.5, 10, 1.5, 0.75, 0.25
    ),
    "optimizers.schedules.InverseTimeDecay": lambda k: k.optimizers.schedules.InverseTimeDecay(0.5, 10, 0.75, True),
    "optimizers.schedules.PolynomialDecay": lambda k: k.optimizers.schedules.PolynomialDecay(
        0.5, 10, 0.25, 2.0, True, "p"
    ),
    "optimizers.schedules.PiecewiseConstantDecay": lambda k: k.optimizers.schedules.PiecewiseConstantDecay(
        [10, 20], [0.5, 0.25, 0.125]
    ),
    "initializers.Zeros": lambda k: k.initializers.Zeros(),
    "initializers.Ones": lambda k: k.initializers.Ones(),
    "initializers.Constant": lambda k: k.initializers.Constant([1.0, 2.0]),
    "initializers.Identity": lambda k: k.initializers.Identity(2.0),
    "initializers.RandomNormal": lambda k: k.initializers.RandomNormal(1.0, 0.5, 3),
    "initializers.RandomUniform": lambda k: k.initializers.RandomUniform(-1.0, 0.5, 3),
    "initializers.TruncatedNormal": lambda k: k.initializers.TruncatedNormal(1.0, 0.5, 3),
    "initializers.VarianceScaling": lambda k: k.initializers.VarianceScaling(2.0, "fan_avg", "uniform", 3),
    "initializers.GlorotUniform": lambda k: k.initializers.GlorotUniform(3),
    "initializers.GlorotNormal": lambda k: k.initializers.GlorotNormal(3),
    "initializers.HeUniform": lambda k: k.initializers.HeUniform(3),
    "initializers.HeNormal": lambda k: k.initializers.HeNormal(3),
    "initializers.LecunUniform": lambda k: k.initializers.LecunUniform(3),
    "initializers.LecunNormal": lambda k: k.initializers.LecunNormal(3),
    "initializers.Orthogonal": lambda k: k.initializers.Orthogonal(2.0, 3),
    "regularizers.L1": lambda k: k.regularizers.L1(0.25),
    "regularizers.L2": lambda k: k.regularizers.L2(0.25),
    "regularizers.L1L2": lambda k: k.regularizers.L1L2(0.25, 0.5),
    "constraints.MaxNorm": lambda k: k.constraints.MaxNorm(3.0, [0, 1]),
    "constraints.MinMaxNorm": lambda k: k.constraints.MinMaxNorm(0.25, 3.0, 0.5, 1),
    "constraints.NonNeg": lambda k: k.constraints.NonNeg(),
    "constraints.UnitNorm": lambda k: k.constraints.UnitNorm(1),
}
"""By where the classes are, each a function of the package. The numbers are the same in any precision."""
