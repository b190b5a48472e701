"""What to do instead of what is not there: the one table, of texts and the places that they are about."""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import cache

_IMAGES = "images are for Keras or PyTorch; what they make of them, (batch, steps, features), goes on from here"
_FILES = "model.save('m.keras') and models.load_model() keep whole models, save_weights('m.weights.h5') weights"
_DTYPES = "dtypes of layers are 'float32', 'float64' and 'mixed_bfloat16', which keras.mixed_precision sets for all"
_STATELESS = "a model holds its weights itself: get_weights() and set_weights() take them out and in"
_PRESENT = "there is nothing to choose here: leave it out"
_TENSORS = "tensors are NumPy arrays: use numpy, or where gradients pass keras.ops, which has NumPy's names"

TABLE = (
    # What other packages are for
    (
        _IMAGES,
        "layers.*2D layers.*3D layers.*2DTranspose layers.*3DTranspose layers.Random* layers.RandAugment layers.AugMix "
        "layers.AutoContrast layers.CenterCrop layers.*Equalization layers.CutMix layers.MixUp layers.Resizing "
        "layers.MaxNumBoundingBoxes layers.Solarization applications* visualization* preprocessing.image* "
        "utils.bounding_boxes* utils.image_dataset_from_directory *.array_to_img "
        "*.img_to_array *.load_img *.save_img metrics.*IoU ops.image* backend.*2d* backend.*3d* backend.resize_* "
        "ops.depth_to_space ops.space_to_depth "
        "ops.nn.depth_to_space ops.nn.space_to_depth tf.image ops.psnr ops.nn.psnr datasets.cifar* "
        "datasets.fashion_mnist*",
    ),
    (
        "make spectrograms beforehand, with scipy.signal or librosa, and give them as (batch, steps, features)",
        "layers.MelSpectrogram layers.STFTSpectrogram utils.audio_dataset_from_directory tf.signal.* "
        "initializers.*STFT* initializers.stft",
    ),
    (
        "one model runs on all cores as it is, and on several machines by distribution.DataParallel",
        "distribution* device",
    ),
    (
        "layer.quantize('int8') and model.quantize('int8') are all there is; other quantizers are for Keras",
        "quantizers* *.quantized_* Quantizer Model.*quantization*",
    ),
    ("a Layer with call() in keras.ops", "layers.TorchModuleWrapper layers.Jax* layers.Flax* layers.TFSM*"),
    # Files
    (
        _FILES,
        "saving.* Layer.save_own_variables Layer.load_own_variables Optimizer.*_own_variables "
        "tf.saved_model tf.train config.*unsafe_deserialization models.save_weights",
    ),
    ("models.model_from_json() reads today's form", "models.model_from_config models.model_from_yaml"),
    (
        "model.export(path) writes a file of ONNX; Keras writes the others, from the same config and weights",
        "export* tf.lite",
    ),
    (
        "ModelCheckpoint keeps the model or its weights; load_weights() takes them back",
        "callbacks.OrbaxCheckpoint",
    ),
    # Callbacks
    ("the callback TensorBoard writes event files of what fit() and evaluate() find", "tf.summary"),
    ("a LambdaCallback can send logs anywhere", "callbacks.RemoteMonitor"),
    ("fit(verbose=1) shows progress", "callbacks.ProgbarLogger"),
    ("tqdm shows progress", "utils.Progbar"),
    ("with use_ema=True of an optimizer fit() ends with the means", "callbacks.SwapEMAWeights"),
    # Around scikit-learn
    (
        "wrappers.scikit_learn has KerasClassifier and KerasRegressor, around a function that builds a model",
        "wrappers*",
    ),
    # Gradients and TensorFlow's own
    (
        "fit() and train_on_batch() take gradients; a layer or model gives them by vjp(x), and a function of keras.ops "
        "by autograd",
        "tf.GradientTape tf.gradients ops.custom_gradient ops.jvp ops.linalg.jvp",
    ),
    ("functions run as they are: leave it out", "tf.autograph"),
    ("take() and skip() of a data set give its parts; slices those of arrays", "utils.split_dataset"),
    (
        "Dataset.map(), filter(), window() and their kin make it, or from_generator() with a function of your own",
        "tf.data.*",
    ),
    (
        "keras.random.set_seed is there, and backend.clear_session(); everything is computed at once",
        "tf.compat.v1.* backend.get_session",
    ),
    ("os and shutil have it", "tf.io.gfile.*"),
    (_DTYPES, "tf.bfloat16 tf.as_dtype tf.q*int*"),
    ("keras has models of its own: leave it out", "estimator* tf.estimator tf.feature_column"),
    (_PRESENT, "tf.debugging tf.errors tf.version tf.config.*"),
    ("keras.activations and keras.ops.nn have such functions, keras.layers the layers", "tf.nn.*"),
    (_TENSORS, "tf.*"),
    # Layers
    ("Conv1D with dilation_rate", "layers.Atrous*"),
    ("Conv1D(filters=channels, groups=channels)", "layers.DepthwiseConv1D"),
    ("Conv1D(filters=channels, groups=channels), and a Conv1D with kernel_size=1 behind it", "layers.SeparableConv*1D"),
    ("Conv1D, whose weights the steps share", "layers.LocallyConnected*"),
    ("AveragePooling1D or MaxPooling1D with pool_size = steps / output_size", "layers.Adaptive*1D"),
    ("Dropout, GaussianDropout or GaussianNoise", "layers.AlphaDropout"),
    ("ReLU(threshold=...)", "layers.ThresholdedReLU"),
    ("MultiHeadAttention", "layers.GroupQueryAttention"),
    ("preprocessing.text.hashing_trick for texts", "layers.HashedCrossing"),
    ("arrays of numbers: numpy or pandas make them of tables", "utils.FeatureSpace"),
    ("Sequential", "layers.Pipeline"),
    ("Embedding, and a layer with call() that multiplies by its weights", "layers.ReversibleEmbedding"),
    ("a constraint of your own, or UnitNorm", "layers.SpectralNormalization"),
    ("Layer, which holds other layers in its attributes", "layers.Wrapper"),
    ("saving.serialize_keras_object and saving.deserialize_keras_object", "layers.serialize layers.deserialize"),
    ("Add, Multiply, Concatenate, Average, Maximum or Dot", "layers.Merge layers.TimeDistributedMerge"),
    ("TimeDistributed(Dense(...)), or Dense alone", "layers.TimeDistributedDense"),
    ("a Layer with call(), of two Dense", "layers.Highway layers.MaxoutDense"),
    ("add_weight()", "Layer.add_variable"),
    ("metrics=[...] of compile()", "Layer.add_metric"),
    ("compute_output_shape()", "Layer.compute_output_spec"),
    ("calling the layer on what Input() gives", "Layer.symbolic_call"),
    ("layers keep their activations; there is no other way", "Layer.remat* RematScope remat"),
    ("name of the layer, path of its weights", "Layer.path"),
    (
        _DTYPES,
        "dtype_policies* FloatDTypePolicy *.dtype",
    ),
    (
        "mixed_bfloat16 has the range of float32, so that losses need no scale: leave it out",
        "*.LossScaleOptimizer Optimizer.scale_loss",
    ),
    # Models
    ("a loss of your own in compile(), or add_loss() in a layer", "Model.compute_loss Model.stateless_compute_loss"),
    ("metrics=[...] of compile(), and a Metric of your own", "*metrics*"),
    (_STATELESS, "*tateless* Model.*state_tree SymbolicScope"),
    ("everything runs as it is written: leave it out", "Model.run_eagerly Model.jit_compile *flash_attention*"),
    ("Model(inputs, outputs)", "Function Operation models.Graph backend.function backend.placeholder"),
    ("model(x, training=True), or False", "backend.set_learning_phase"),
    ("config.image_data_format()", "backend.*image_dim_ordering"),
    ("print() in a callback", "backend.print_tensor"),
    # Optimizers, losses, metrics
    ("Adam, AdamW or Lion", "optimizers.Muon optimizers.ScheduleFreeAdamW"),
    ("one optimizer for all weights; trainable=False of layers leaves some out", "optimizers.*Opt*"),
    ("get_weights() and set_weights()", "Optimizer.*variable* Optimizer.assign*"),
    ("apply(gradients, variables), or update() in an optimizer of your own", "Optimizer.update_step"),
    ("a loss of your own in keras.ops", "losses.Circle losses.circle"),
    ("reduction='sum_over_batch_size', 'sum' or 'none'", "losses.Reduction"),
    ("a Regularizer of your own", "regularizers.*rthogonal*"),
    ("a Model of your own in whose loss the teacher's outputs are labels: predict() makes them", "distillation*"),
    # Functions
    (
        "numpy.linalg, where no gradient passes",
        "ops.linalg* ops.eig* ops.lstsq ops.*slogdet ops.pinv ops.qr ops.svd ops.logdet ops.lu_factor ops.matrix_rank "
        "ops.cholesky* ops.solve*",
    ),
    ("numpy.fft, where no gradient passes", "ops.*fft* ops.stft ops.istft ops.extract_sequences"),
    ("layers.Conv1D, MaxPooling1D and AveragePooling1D", "ops.*conv* ops.*pool* backend.*1d* ops.*fold"),
    ("losses.CTC", "*.ctc_*"),
    ("losses.BinaryFocalCrossentropy and losses.CategoricalFocalCrossentropy", "backend.*focal*"),
    ("layers.BatchNormalization, LayerNormalization and RMSNormalization", "ops.nn.*normalization"),
    ("ops.mean and ops.var", "ops.nn.moments"),
    ("layers.Attention or MultiHeadAttention", "ops.nn.dot_product_attention"),
    ("the function of that name in keras.ops", "ops.nn.normalize ops.nn.*crossentropy"),
    ("activations.sparsemax and its kin", "ops.*sparse*"),
    ("layers.RNN with a cell of your own", "backend.rnn"),
    ("keras.random.normal and keras.random.uniform, in a backend.variable", "backend.random_*"),
    ("arrays are never sparse", "backend.to_dense"),
    ("numpy.dtype(...).kind and numpy.result_type", "*.is_*_dtype *.result_type *.standardize_dtype"),
    ("verbose=0 of fit(), evaluate() and predict()", "*.*interactive_logging*"),
    (_PRESENT, "config.* name_scope utils.multi_gpu_model Variable.*"),
    ("numpy.random.Generator.choice", "preprocessing.sequence.skipgrams preprocessing.sequence.make_sampling_table"),
    ("NumPy has it, or what it is made of, where no gradient passes", "ops.*"),
    # The rest
    ("lists, tuples and dicts of your own: optree, or jax.tree, goes through them", "tree*"),
    ("put the file where the data set looks for it", "datasets.*"),
    ("fit() takes (x, y) and (x, y, sample_weight)", "utils.*pack_x_y_sample_weight"),
    ("x / numpy.linalg.norm(x, axis=-1, keepdims=True)", "utils.normalize"),
    ("a dict", "utils.Config"),
    ("numpy.load with mmap_mode, or a PyDataset", "utils.HDF5Matrix utils.io_utils"),
    ("a PyDataset", "utils.*Enqueuer"),
    ("isinstance(x, keras.KerasTensor)", "utils.is_keras_tensor"),
    ("model.inputs", "utils.get_source_inputs"),
    ("it has no counterpart here; keep Keras for it", "*"),
)
"""What to do, and for what; of several that fit, the first counts."""


@cache
def _rules() -> list[tuple[str, str]]:
    return [(pattern, text) for text, patterns in TABLE for pattern in patterns.split()]


def instead(place: str) -> str:
    """Return what to do instead of what Keras has at a place such as ``layers.Conv2D``; it is not there."""
    return next(text for pattern, text in _rules() if fnmatchcase(place, pattern))
