"""Texts of the files of a folder, in batches."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fastlstm import checks

from ..foundation.arrays import Array
from ..foundation.messages import LOGGER
from ..foundation.random import generator
from ..foundation.tensors import tensor
from ..pipelines import Dataset, TensorSpec
from ..pipelines.passes import Seeds
from .batches import batches_of_entries, number_of_batches, orders_of, size_of
from .labels import to_categorical

_MODES = ("int", "categorical", "binary", None)
_SUBSETS = ("training", "validation", "both", None)


class _Files(NamedTuple):
    paths: list[Path]
    labels: Array | None
    class_names: list[str] | None


class TextDataset(Dataset):
    """Texts of files, and their labels, in batches; the files are read when a batch is asked for.

    Parameters
    ----------
    paths : sequence of path
        Of the files.
    labels : ndarray, optional
        An entry for each; None for no labels.
    class_names : list of str, optional
        Names of the classes.
    max_length : int, optional
        Characters after which a text is cut; None: none.
    batch_size : int, optional
        Texts of a batch; None: texts one by one.
    orders : Seeds, optional
        The seeds of an order for every time; None: that of `paths`.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        labels: Array | None,
        class_names: list[str] | None,
        max_length: int | None,
        batch_size: int | None,
        orders: Seeds | None,
    ) -> None:
        self.file_paths, self.class_names = [str(path) for path in paths], class_names
        texts, entries = _Texts(self.file_paths, labels, max_length), np.arange(len(paths))
        super().__init__(
            lambda: batches_of_entries(entries, batch_size, orders, texts.at),
            number_of_batches(entries, batch_size),
            lambda: texts.spec(batch_size is not None),
        )
        self.drawn_by(orders)


class _Texts(NamedTuple):
    """Files, a label for each, and the number of characters after which a text is cut."""

    paths: list[str]
    labels: Array | None
    max_length: int | None

    def at(self, numbers: Array) -> Any:
        """Return the texts of the files with these numbers, or texts and labels."""
        texts = np.empty(numbers.shape, object)
        for place, number in np.ndenumerate(numbers):
            texts[place] = self._read(self.paths[number])
        return tensor(texts) if self.labels is None else (tensor(texts), tensor(np.asarray(self.labels[numbers])))

    def spec(self, in_batches: bool) -> Any:
        """Return what is known of the elements."""
        rows = (None,) if in_batches else ()
        texts = TensorSpec(rows, "string")
        return texts if self.labels is None else (texts, TensorSpec((*rows, *self.labels.shape[1:]), self.labels.dtype))

    def _read(self, path: str) -> str:
        try:
            return Path(path).read_text(encoding="utf-8")[: self.max_length]
        except UnicodeDecodeError as error:
            checks.complain(ValueError, "directory", "hold files in UTF-8", f"{path}: {error}", cause=error)


def text_dataset_from_directory(
    directory: str | os.PathLike[str],
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    batch_size: int | None = 32,
    max_length: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    follow_links: bool = False,
    verbose: bool = True,
) -> Any:
    """Return the texts of the files ``*.txt`` of a folder, in batches.

    Parameters
    ----------
    directory : path
        The folder; with labels that are inferred it has a folder for each class.
    labels : array_like
        ``"inferred"``: the numbers of these folders; a list of whole numbers, one for each file in the order of their
        paths; or None for none.
    label_mode : str, optional
        ``"int"``: class numbers (N,); ``"binary"``: 0 and 1, (N, 1); ``"categorical"``: rows of zeros with a one; None:
        no labels.
    class_names : sequence of str, optional
        The folders to use, in the order of the class numbers; None: all, by name.
    batch_size : int, optional
        Texts of a batch; None: texts one by one.
    max_length : int, optional
        Characters after which a text is cut.
    shuffle : bool
        Whether files are put in another order before they are split, and those of batches in a new one every time.
    seed : int, optional
        Of these orders; the part that is held back is that which Keras holds back.
    validation_split : float, optional
        Part of the files to hold back, the last ones.
    subset : str, optional
        ``"training"``, ``"validation"`` or ``"both"``, which gives two data sets; with `validation_split` only.
    follow_links : bool
        Whether to go into folders that are links.
    verbose : bool
        Whether to tell the logger ``"fastlstm.keras"`` how many files there are.

    Returns
    -------
    TextDataset
        Gives ``(texts, labels)``, or texts where there are no labels: what `fit` takes as `x`. Texts are bytes.
    """
    mode, size = checks.one_of("label_mode", label_mode, _MODES), size_of(batch_size)
    length = None if max_length is None else checks.whole_number("max_length", max_length, at_least=0)
    split = _checked_split(validation_split, subset, shuffle, seed)
    found = _found(directory, labels if mode is not None else None, class_names, follow_links)
    LOGGER.log(logging.INFO if checks.truth("verbose", verbose) else logging.DEBUG, "Found %d files.", len(found.paths))
    orders = orders_of(shuffle, seed)
    if orders is not None:
        found = _mixed(found, seed)
    classes = found.class_names
    if mode == "binary" and found.labels is not None and len(classes or ()) != 2:
        checks.complain(ValueError, "label_mode", f"not be 'binary' for {len(classes or ())} classes", classes)
    made = [
        TextDataset(part.paths, _in_mode(part, mode), classes, length, size, of_part)
        for part, of_part in zip(_parts(found, split, subset), (orders, None), strict=False)
    ]
    return made if subset == "both" else made[0]


def _checked_split(split: Any, subset: Any, shuffle: Any, seed: Any) -> float:
    checks.one_of("subset", subset, _SUBSETS)
    if (split is None) != (subset is None):
        got = f"validation_split={checks.shown(split)}, subset={checks.shown(subset)}"
        checks.complain(ValueError, "subset", "come with validation_split, and that with it", got)
    if split is None:
        return 0.0
    if shuffle and seed is None:
        must = "be given with validation_split and shuffle, so that both parts are of one order"
        checks.complain(ValueError, "seed", must, None)
    return checks.real_number("validation_split", split, above=0, below=1)


def _found(directory: Any, labels: Any, class_names: Any, follow_links: Any) -> _Files:
    root, follows = Path(checks.path("directory", directory)), checks.truth("follow_links", follow_links)
    if not root.is_dir():
        checks.refuse(ValueError, "directory", "a folder that is there", str(root))
    inferred = isinstance(labels, str) and labels == "inferred"
    if class_names is not None and not inferred:
        checks.complain(ValueError, "class_names", "come with labels='inferred' only", checks.shown(class_names))
    if inferred:
        return _by_folders(root, class_names, follows)
    paths = list(_texts_in(root, follows))
    if labels is None:
        return _some(_Files(paths, None, None), root)
    if not isinstance(labels, list | tuple) or len(labels) != len(paths):
        wanted = f"'inferred', None, or a list of {len(paths)} whole numbers, one for each file"
        checks.refuse(ValueError, "labels", wanted, labels)
    numbers = checks.whole_numbers("labels", labels).astype(np.int32)
    return _some(_Files(paths, numbers, [str(one) for one in np.unique(numbers)]), root)


def _by_folders(root: Path, class_names: Any, follows: bool) -> _Files:
    known = sorted(path.name for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    names = known if class_names is None else checks.items("class_names", class_names, "a list of names of folders")
    for name in names:
        checks.one_of("class_names: each", name, known or ("a folder that is there",))
    of_class = [list(_texts_in(root / name, follows)) for name in names]
    labels = np.repeat(np.arange(len(names), dtype=np.int32), [len(paths) for paths in of_class])
    return _some(_Files([path for paths in of_class for path in paths], labels, list(names)), root)


def _some(files: _Files, root: Path) -> _Files:
    if not files.paths:
        checks.complain(ValueError, "directory", "hold files *.txt", f"none in {root}")
    return files


def _texts_in(folder: Path, follows: bool) -> Iterator[Path]:
    for place, _, names in sorted(os.walk(folder, followlinks=follows), key=lambda found: found[0]):
        yield from (Path(place) / name for name in sorted(names) if name.lower().endswith(".txt"))


def _mixed(files: _Files, seed: int | None) -> _Files:
    """Return files in another order, for a seed that of Keras."""
    order = np.arange(len(files.paths))
    (np.random.RandomState(seed) if seed is not None else generator("order")).shuffle(order)
    return _chosen(files, order)


def _chosen(files: _Files, numbers: Array) -> _Files:
    labels = None if files.labels is None else files.labels[numbers]
    return files._replace(paths=[files.paths[number] for number in numbers], labels=labels)


def _parts(files: _Files, split: float, subset: str | None) -> list[_Files]:
    """Return the files of the part, or those of both."""
    if subset is None:
        return [files]
    numbers = np.arange(len(files.paths))
    at = len(numbers) - int(split * len(numbers))
    wanted = {"training": [numbers[:at]], "validation": [numbers[at:]], "both": [numbers[:at], numbers[at:]]}[subset]
    if not all(map(len, wanted)):
        must = "leave files for each part"
        checks.complain(ValueError, "validation_split", must, f"{split} of {len(numbers)}")
    return [_chosen(files, part) for part in wanted]


def _in_mode(files: _Files, mode: str | None) -> Array | None:
    """Return labels in a mode."""
    if files.labels is None or mode == "int":
        return files.labels
    if mode == "binary":
        return files.labels.astype(np.float32)[:, None]
    return to_categorical(files.labels, len(files.class_names or ())).astype(np.float32)
