"""What is there and does other things than in Keras."""

from __future__ import annotations

DIFFERENT: dict[str, tuple[str, ...]] = {
    "everywhere": (
        "From the same weights and batches the loss curve is that of Keras to 1e-4. A seed draws other numbers than in "
        "Keras, so that two programs begin with the same weights only if `set_weights` gives them. A program that "
        "seeds NumPy before the first draw, `numpy.random.seed(7)`, repeats; later seeds of NumPy and those of Python "
        "are not used. `keras.utils.set_random_seed(7)` sets all three; `tf.random.set_seed` is another name of it. In "
        "a thread other than the main one it holds for what that thread draws, so that trainings in parallel threads, "
        "each with a seed, repeat; NumPy's and Python's generators are those of all threads.",
        "Initial weights, orders of rows, dropout and what `keras.random` gives come from generators apart from each "
        "other: dropout changes neither initial weights nor orders. Those of a training are the model's own, so models "
        "that train side by side end with the bits that they end with one after the other. A seed before `fit` repeats "
        "the dropout, too; in Keras only that of layers made after it.",
        "A word that occurs twice in a batch has one gradient, the sum of both, as in Keras on JAX and PyTorch. On "
        "TensorFlow, optimizers that square gradients (Adam, RMSprop, Adagrad and their kin) see each occurrence of "
        "a row of an `Embedding` by itself, and a loss may be 7 % off after two epochs.",
        "Labels of `categorical_crossentropy` need not sum to 1; with others, Keras on TensorFlow has another gradient "
        "than Keras on JAX and PyTorch, with which this package goes. `binary_crossentropy` behind a softmax takes its "
        "probabilities, as there.",
        "Arrays go in and come out. What a call of a layer or model gives is a NumPy array which has `.numpy()`, too, "
        "and a mask if there is one; what NumPy's functions make of it is a plain array. Nothing runs on a GPU, and "
        "nothing is compiled: `jit_compile`, `run_eagerly` and `tf.function` have nothing to choose.",
        "Layers compute in float32 or float64. Channels come last.",
        "Gradients of a `call`, loss, metric or activation of your own come from autograd (`pip install "
        '"fastlstm[autograd]"`), through functions of `keras.ops` and `keras.backend`.',
        "Weights are replaced, never written to: `variable.value` is a read-only array.",
        "Spellings of Keras 1 and 2 work and raise a DeprecationWarning that names today's.",
        "What does not make sense raises an error where Keras would go on: options are never ignored silently, whole "
        "numbers are not rounded, states and labels of another shape are not stretched.",
    ),
    "layers": (
        "Recurrent layers: `unroll` and `use_cudnn` choose nothing; `time_major=True` raises an error.",
        "`LSTM` and `GRU` also take the two biases of `CuDNNLSTM` and `CuDNNGRU`, which are other names of them.",
        "`Embedding(input_length=n)` is `input_shape=(n,)`. `Embedding(dropout=...)` of Keras 1 drops rows of the "
        "table, which Keras 2 and 3 do not.",
        "`BatchNormalization(renorm=True)` raises an error, as does `data_format='channels_first'`.",
        "`Lambda` in a config names a registered function; code is never kept or run.",
    ),
    "callbacks": (
        "`BackupAndRestore` goes on with the batch, and to the bits, of a training that was never interrupted; the "
        "history is that of all epochs. `fit(..., resume_from=path)` goes on from its file, or from one of "
        "`ModelCheckpoint` that ends in anything but `.keras` and `.h5`. Callbacks of your own name the attributes "
        "that checkpoints have in `kept`, or give and take their state with `get_state()` and `set_state(state)`; so "
        "do layers and data.",
        "`fit` takes more than in Keras, for long sequences: `memory_limit=bytes` or `checkpoint_every=steps` (the "
        "same weights, to the bit; what the way back needs is computed twice) and `tbptt=steps` (gradients are cut, "
        "losses are not).",
        "Ctrl-C raises `KeyboardInterrupt` from `fit`, without `on_train_end`, as in Keras: the weights are those "
        "after the last whole step, for which it waits, but half a second at most: a long step is given up. "
        "`model.history` has the epochs that are whole, and another `fit` goes on from there. In callbacks and data "
        "of your own, and pressed twice, it does not wait.",
        "`TensorBoard` needs the package tensorboard or tensorboardX, TensorFlow it does not need. Files have the tags "
        "and steps of Keras', and the model as its config; the graph of TensorFlow's operations is not there. "
        "`write_images`, `profile_batch`, `embeddings_freq` and `embeddings_metadata` raise an error. With a number as "
        "`update_freq` nothing is left out of what is written by epoch.",
    ),
    "activations": ("`sparsemax` sums to 1; that of Keras on TensorFlow often does not.",),
    "losses": (
        "`ignore_class` raises an error: give those entries a `sample_weight` of 0. `axis` must be -1.",
        "`binary_focal_crossentropy` takes probabilities of at least 1e-7; Keras on TensorFlow takes what went into "
        "the sigmoid, so that its loss of certain mistakes is larger.",
    ),
    "metrics": ("Masked steps count in no metric; in Keras they do in `RootMeanSquaredError`.",),
    "optimizers": (
        "`learning_rate` is a number of now, with `numpy()` and `assign()`; `loss_scale_factor` must be None.",
        "Constraints hold after every step; with `gradient_accumulation_steps` Keras asks for them after every batch.",
    ),
    "backend": ("`gradients` raises an error: `fit` takes gradients, and `vjp` of a layer or model.",),
    "datasets": ("Nothing is downloaded: a data set is read from a file that is there, and an error says which.",),
    "models": (
        "A config never imports a module or runs code: classes of your own are registered or given.",
        "A layer that is given `trainable = True` in a model that was given False is trained; Keras goes by the model.",
    ),
    "preprocessing.text": (
        "`hashing_trick` takes `hash_function='md5'` where the numbers must be the same every time.",
    ),
    "tf": (
        "`import fastlstm.tensorflow as tf` has all of these names. `import fastlstm as tf` has them too, but for "
        "`tf.config` and `tf.__version__`, which are this package's own.",
        "Tensors are NumPy arrays that have `.numpy()`: shapes are tuples, dtypes those of NumPy, and numbers of "
        "different dtypes are computed with as NumPy does. There are no ragged and no sparse tensors: where TensorFlow "
        "gives ragged ones, `tf.strings.split` and its kin give a list of arrays.",
        "`tf.reduce_mean` of whole numbers is a float. Regular expressions are those of Python.",
        "Sessions, their settings and what is said of GPUs and messages are taken, and there is nothing that they "
        "change.",
        "`tf.function` gives the function as it is; `tf.device` takes the processor only, and `MirroredStrategy` "
        "has it as its one device.",
    ),
    "tf.data.Dataset": (
        "Elements are made by the thread that asks for them: `num_parallel_calls`, `deterministic`, `prefetch` and "
        "`name` change nothing.",
        "`element_spec` of what a function gives is found by calling it for the first elements.",
        "`interleave` without `cycle_length` has 4 data sets open at a time, where TensorFlow has as many as there are "
        "cores. `cache` keeps elements in memory only.",
    ),
    "Model": (
        "A `train_step`, `test_step` or `predict_step` of your own raises an error: write a loss, a layer with `call`, "
        "or a loop over `train_on_batch`.",
        "`fit` warns of a `batch_size` beside batches that come as such, and uses what they are.",
        "`stream()` makes a model that takes one time step a call; Keras has no such thing.",
    ),
}
"""Notes by places, and those that hold for everything."""
