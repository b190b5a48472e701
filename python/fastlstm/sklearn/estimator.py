"""What the estimators share: a network of recurrent layers, and how it is trained and asked."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_consistent_length, check_is_fitted

from fastlstm import checks
from fastlstm.keras import Input, Sequential, callbacks, layers, optimizers
from fastlstm.keras.foundation.random import Sources, drawing_from

from .sequences import PADDING, sequences_of

Array = NDArray[Any]

CELLS: dict[str, Any] = {"lstm": layers.LSTM, "gru": layers.GRU, "rnn": layers.SimpleRNN}


class Recurrent(BaseEstimator):  # type: ignore[misc]
    """Base class of the estimators.

    Parameters
    ----------
    units : int
        Hidden size H of each recurrent layer.
    layers : int
        Recurrent layers on top of each other; the last one gives its output at the last step.
    cell : {"lstm", "gru", "rnn"}
        Their kind.
    bidirectional : bool
        Whether each reads in both directions.
    dropout, recurrent_dropout : float
        Fractions of a layer's inputs and of its states to drop in training.
    features_per_step : int
        How many columns of a table are a step, I. A table ``(N, T * I)`` has one step beside the other.
    epochs : int
        Times that training goes through all rows; an upper bound with `early_stopping`.
    batch_size : int
        Rows of a step of the optimizer, at most.
    optimizer : str
        Name of an optimizer of ``fastlstm.keras``.
    learning_rate : float
        Its learning rate.
    loss : str, optional
        Name of a loss of ``fastlstm.keras``; None: the logarithm of the right class's probability for classifiers,
        the squared error for regressors.
    early_stopping : bool
        Whether to hold back a part of the rows, to end training when the loss there falls no more, and to keep the
        weights that were best.
    validation_fraction : float
        That part.
    n_iter_no_change : int
        Epochs to wait for a better loss.
    tol : float
        By how much it must be better.
    dtype : {"float32", "float64"}
        What the network computes in.
    random_state : int, RandomState, optional
        Where initial weights, order of rows, dropout and the rows held back come from; None: NumPy's own generator. A
        number gives the same bits in every fit, also of several in parallel threads.
    verbose : int
        0: silent, 1: a progress bar, 2: a line an epoch.

    Attributes
    ----------
    model_ : Sequential
        The trained network, which goes into files and to ONNX.
    history_ : dict
        Losses by epoch; ``val_loss`` with `early_stopping`.
    n_iter_ : int
        Epochs that were trained.
    n_features_in_ : int
        Columns of a table; of sequences, numbers of a step.
    is_tabular_ : bool
        Whether it was trained with a table.
    feature_names_in_ : ndarray
        Names of the columns, where X had any.

    Notes
    -----
    X is a table ``(N, T * I)``, an array of sequences ``(N, T, I)``, or a list of sequences ``(T,)`` or ``(T, I)`` of
    any lengths. Every row of X is a sequence. Weights of rows count by their ratios: two rows are as one that weighs
    twice as much.

    Raises
    ------
    ValueError, TypeError
        In `fit`, which checks all arguments.
    """

    def __init__(
        self,
        units: int = 32,
        *,
        layers: int = 1,
        cell: str = "lstm",
        bidirectional: bool = False,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        features_per_step: int = 1,
        epochs: int = 100,
        batch_size: int = 32,
        optimizer: str = "adam",
        learning_rate: float = 0.005,
        loss: str | None = None,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        tol: float = 1e-4,
        dtype: str = "float32",
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.units = units
        self.layers = layers
        self.cell = cell
        self.bidirectional = bidirectional
        self.dropout = dropout
        self.recurrent_dropout = recurrent_dropout
        self.features_per_step = features_per_step
        self.epochs = epochs
        self.batch_size = batch_size
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.loss = loss
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.dtype = dtype
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Train a new network.

        Parameters
        ----------
        X : array-like (N, T * I) or (N, T, I), or list of (T, I)
            Sequences.
        y : array-like (N,)
            What each of them stands for.
        sample_weight : array-like (N,), optional
            Weights of the rows in the loss. A weight of 0 takes a row out.

        Returns
        -------
        self
        """
        x, y, weights = self._weighted(*self._read(X, y, first=True), sample_weight)
        targets = self._first_targets(y)
        random = check_random_state(self.random_state)
        self._begin(x, targets, random)
        held_back: dict[str, Any] = {}
        if checks.truth("early_stopping", self.early_stopping):
            x, targets, weights, held_back = self._split(x, targets, weights, random)
        self.history_ = self._train(x, targets, weights, self.epochs, held_back)
        self.n_iter_ = len(self.history_["loss"])
        return self

    def stream(self, batch_size: int = 1) -> Any:
        """Return a stream of the network, which takes sequences step by step.

        Parameters
        ----------
        batch_size : int
            Sequences that it takes side by side, N.

        Returns
        -------
        ModelStream
            ``step(x_t)`` takes ``(N, I)`` and gives what the network gives for the steps so far, ``(N, outputs)``:
            probabilities of the classes, or numbers.
        """
        check_is_fitted(self)
        masking, *others = self.model_.layers
        return Sequential([Input(masking.input.shape[1:], dtype=self.dtype), *others]).stream(batch_size)

    def _part(self, X: Any, y: Any, sample_weight: Any) -> Any:
        """Train for one epoch, with a new network at first."""
        if self.early_stopping:
            checks.complain(
                ValueError, "early_stopping", "be False in partial_fit(), which sees a part of the rows", True
            )
        first = not hasattr(self, "model_")
        x, y, weights = self._weighted(*self._read(X, y, first), sample_weight)
        targets = self._first_targets(y) if first else self._targets(y)
        if first:
            self._begin(x, targets, check_random_state(self.random_state))
            self.history_, self.n_iter_ = {"loss": []}, 0
        self.history_["loss"] += self._train(x, targets, weights, 1, {})["loss"]
        self.n_iter_ += 1
        return self

    # What classifiers and regressors say.

    _activation: str | None
    _loss: str

    def _labels(self, y: Any) -> Array:
        """Return `y` checked, one entry a row."""
        raise NotImplementedError

    def _first_targets(self, y: Array) -> Array:
        """Return what the network is to give, and keep what it follows from."""
        raise NotImplementedError

    def _targets(self, y: Array) -> Array:
        """Return what the network is to give."""
        raise NotImplementedError

    def _outputs_of(self, targets: Array) -> int:
        """Return how many numbers the network gives for a row."""
        raise NotImplementedError

    # How it is done.

    def _read(self, X: Any, y: Any, first: bool) -> tuple[Array, Array]:
        if y is None:  # in the words that scikit-learn looks for
            must = "be given: the estimator requires y to be passed, but the target y is None"
            checks.complain(ValueError, "y", must, None)
        labels = self._labels(y)
        x = sequences_of(self, X, first)
        check_consistent_length(x, labels)
        return x, labels

    def _weighted(self, x: Array, y: Array, sample_weight: Any) -> tuple[Array, Array, Array | None]:
        """Return the rows that count, and weights with a mean of 1."""
        if sample_weight is None:
            return x, y, None
        weights: Array = _check_sample_weight(sample_weight, x, dtype=np.float64, ensure_non_negative=True)
        kept = weights > 0
        if not kept.any():
            checks.complain(ValueError, "sample_weight", "not be zero for all rows", f"{len(weights)} of zero")
        weights = weights[kept]
        return x[kept], y[kept], weights / weights.mean()

    def _begin(self, x: Array, targets: Array, random: np.random.RandomState) -> None:
        """Make the network, and what all of its random numbers follow from."""
        self._sources = Sources(int(random.randint(2**31 - 1)))
        with drawing_from(self._sources):
            self.model_ = self._network(x.shape[2], self._outputs_of(targets))
        rate = checks.real_number("learning_rate", self.learning_rate, above=0)
        rule = optimizers.get(checks.text("optimizer", self.optimizer))
        rule.learning_rate = rate
        self.model_.compile(rule, self.loss or self._loss)

    def _network(self, features: int, outputs: int) -> Sequential:
        depth = checks.size("layers", self.layers)
        recurrent = [self._recurrent(sequences=number < depth - 1) for number in range(depth)]
        return Sequential(
            [
                Input((None, features), dtype=self.dtype),
                layers.Masking(PADDING, dtype=self.dtype),
                *recurrent,
                layers.Dense(outputs, self._activation, dtype=self.dtype),
            ]
        )

    def _recurrent(self, sequences: bool) -> Any:
        kind = CELLS[checks.one_of("cell", self.cell, CELLS)]
        drops = {"dropout": self.dropout, "recurrent_dropout": self.recurrent_dropout}
        layer = kind(self.units, return_sequences=sequences, dtype=self.dtype, **drops)
        return layers.Bidirectional(layer) if checks.truth("bidirectional", self.bidirectional) else layer

    def _split(self, x: Array, y: Array, weights: Array | None, random: np.random.RandomState) -> Any:
        """Return the rows to train on, and what `fit` is given to hold back others."""
        share = checks.fraction("validation_fraction", self.validation_fraction)
        parts = train_test_split(
            *(part for part in (x, y, weights) if part is not None),
            test_size=share,
            random_state=random,
            stratify=y if self._activation == "softmax" else None,
        )
        stop = callbacks.EarlyStopping(
            "val_loss", self.tol, self.n_iter_no_change, mode="min", restore_best_weights=True
        )
        kept, held_back = parts[::2], parts[1::2]
        weights = kept[2] if weights is not None else None
        return *kept[:2], weights, {"validation_data": tuple(held_back), "callbacks": [stop]}

    def _train(self, x: Array, y: Array, weights: Array | None, epochs: int, more: dict[str, Any]) -> dict[str, Any]:
        with drawing_from(self._sources):
            history = self.model_.fit(
                x, y, self.batch_size, checks.size("epochs", epochs), self.verbose, sample_weight=weights, **more
            )
        losses: dict[str, Any] = history.history
        return losses

    def _outputs(self, X: Any) -> Array:
        """Return what the network gives, ``(N, outputs)``, as float64."""
        check_is_fitted(self)
        x = sequences_of(self, X, first=False)
        if x.shape[2:] != self.model_.input_shape[2:]:
            checks.refuse_shape("X", f"(N, T, {self.model_.input_shape[2]})", x.shape)
        outputs: Array = self.model_.predict(x, verbose=0)
        return outputs.astype(np.float64)

    def __sklearn_tags__(self) -> Any:
        """Say to scikit-learn what X may be."""
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags
