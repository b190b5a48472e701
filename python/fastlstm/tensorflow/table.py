"""The one table: by namespace, TensorFlow's names and what they stand for.

A name stands for what is at a place, ``module.function`` of ``fastlstm.keras`` or, with a dot before it, of
`functions`. After the place of a function it says what TensorFlow calls its first arguments, where that is something
else.
"""

from __future__ import annotations

_REDUCTION = "input_tensor axis keepdims"
_BOTH = "x y"

_EVERYWHERE = {
    "abs": "ops.abs x",
    "acos": "ops.arccos x",
    "acosh": "ops.arccosh x",
    "add": f"ops.add {_BOTH}",
    "argmax": ".arrays.argmax",
    "argmin": ".arrays.argmin",
    "asin": "ops.arcsin x",
    "asinh": "ops.arcsinh x",
    "atan": "ops.arctan x",
    "atan2": "ops.arctan2 y x",
    "atanh": "ops.arctanh x",
    "cos": "ops.cos x",
    "cosh": "ops.cosh x",
    "cumsum": ".arrays.cumsum",
    "divide": f"ops.divide {_BOTH}",
    "equal": f"ops.equal {_BOTH}",
    "exp": "ops.exp x",
    "floor": "ops.floor x",
    "greater": f"ops.greater {_BOTH}",
    "greater_equal": f"ops.greater_equal {_BOTH}",
    "less": f"ops.less {_BOTH}",
    "less_equal": f"ops.less_equal {_BOTH}",
    "logical_and": f"ops.logical_and {_BOTH}",
    "logical_not": "ops.logical_not x",
    "logical_or": f"ops.logical_or {_BOTH}",
    "maximum": f"ops.maximum {_BOTH}",
    "minimum": f"ops.minimum {_BOTH}",
    "multiply": f"ops.multiply {_BOTH}",
    "negative": "ops.negative x",
    "not_equal": f"ops.not_equal {_BOTH}",
    "pow": f"ops.power {_BOTH}",
    "reduce_all": f"ops.all {_REDUCTION}",
    "reduce_any": f"ops.any {_REDUCTION}",
    "reduce_logsumexp": f"ops.logsumexp {_REDUCTION}",
    "reduce_max": f"ops.max {_REDUCTION}",
    "reduce_mean": f"ops.mean {_REDUCTION}",
    "reduce_min": f"ops.min {_REDUCTION}",
    "reduce_prod": f"ops.prod {_REDUCTION}",
    "reduce_sum": f"ops.sum {_REDUCTION}",
    "round": "ops.round x",
    "sigmoid": "ops.sigmoid x",
    "sign": "ops.sign x",
    "sin": "ops.sin x",
    "sinh": "ops.sinh x",
    "sqrt": "ops.sqrt x",
    "square": "ops.square x",
    "subtract": f"ops.subtract {_BOTH}",
    "tan": "ops.tan x",
    "tanh": "ops.tanh x",
    "truediv": f"ops.divide {_BOTH}",
}
"""Functions of arrays that are in the first namespace and in ``math``."""

_DTYPES = {
    name: f".dtypes.{name}"
    for name in (
        *("bool", "complex128", "complex64", "double", "float16", "float32", "float64", "half"),
        *("int16", "int32", "int64", "int8", "string", "uint16", "uint32", "uint64", "uint8"),
    )
}

_MATRICES = {
    "einsum": "ops.einsum equation",
    "eye": "ops.eye num_rows num_columns",
    "matmul": ".arrays.matmul",
    "norm": "ops.norm tensor ord axis keepdims",
    "tensordot": "ops.tensordot a b axes",
}

_DEVICES = {
    "list_logical_devices": ".devices.list_physical_devices",
    "list_physical_devices": ".devices.list_physical_devices",
}

_GFILE = {name: f".gfile.{name}" for name in ("GFile", "exists", "glob", "isdir", "listdir", "makedirs")}

_LOGGING = {name: f".sessions.{name}" for name in ("DEBUG", "ERROR", "FATAL", "INFO", "WARN", "set_verbosity")}

_SESSIONS = {
    **{name: f".sessions.{name}" for name in ("ConfigProto", "GPUOptions", "Session", "enable_eager_execution")},
    "InteractiveSession": ".sessions.Session",
    "set_random_seed": "utils.set_random_seed seed",
}
"""What programs of TensorFlow 1 begin with."""

_TOP = {"in_top_k": "ops.in_top_k targets predictions k", "top_k": "ops.top_k input k sorted"}

NAMES: dict[str, dict[str, str]] = {
    "": _EVERYWHERE
    | _DTYPES
    | _MATRICES
    | _SESSIONS
    | {
        "Tensor": ".tensors.Tensor",
        "TensorArray": ".tensors.TensorArray",
        "TensorShape": "pipelines.TensorShape",
        "TensorSpec": "pipelines.TensorSpec",
        "Variable": ".tensors.variable initial_value",
        "argsort": ".arrays.argsort",
        "boolean_mask": ".arrays.boolean_mask",
        "broadcast_to": "ops.broadcast_to input shape",
        "cast": "ops.cast x dtype",
        "clip_by_value": "ops.clip t clip_value_min clip_value_max",
        "concat": "ops.concatenate values axis",
        "cond": "ops.cond pred true_fn false_fn",
        "constant": ".tensors.constant",
        "convert_to_tensor": ".tensors.convert_to_tensor",
        "device": ".devices.device",
        "executing_eagerly": ".programs.executing_eagerly",
        "expand_dims": "ops.expand_dims input axis",
        "fill": ".arrays.fill",
        "function": ".programs.function",
        "gather": ".arrays.gather",
        "get_logger": ".sessions.get_logger",
        "identity": ".tensors.convert_to_tensor input",
        "initializers": "initializers",
        "is_tensor": "ops.is_tensor x",
        "linspace": "ops.linspace start stop num",
        "losses": "losses",
        "meshgrid": "ops.meshgrid",
        "metrics": "metrics",
        "newaxis": ".tensors.newaxis",
        "numpy_function": ".programs.numpy_function",
        "one_hot": ".arrays.one_hot",
        "ones": "ops.ones shape dtype",
        "ones_like": "ops.ones_like input dtype",
        "optimizers": "optimizers",
        "pad": ".arrays.pad",
        "py_function": ".programs.py_function",
        "range": "ops.arange start limit delta dtype",
        "rank": ".tensors.rank",
        "repeat": "ops.repeat input repeats axis",
        "reshape": "ops.reshape tensor shape",
        "reverse": "ops.flip tensor axis",
        "roll": "ops.roll input shift axis",
        "searchsorted": "ops.searchsorted sorted_sequence values side",
        "shape": ".tensors.shape",
        "size": ".tensors.size",
        "slice": ".arrays.slice",
        "sort": ".arrays.sort",
        "split": ".arrays.split",
        "squeeze": "ops.squeeze input axis",
        "stack": "ops.stack values axis",
        "stop_gradient": "ops.stop_gradient input",
        "tile": "ops.tile input multiples",
        "transpose": "ops.transpose a perm",
        "unstack": "ops.unstack value num axis",
        "vectorized_map": "ops.vectorized_map fn elems",
        "where": ".arrays.where",
        "while_loop": "ops.while_loop cond body loop_vars",
        "zeros": "ops.zeros shape dtype",
        "zeros_like": "ops.zeros_like input dtype",
    },
    "compat.v1": _SESSIONS,
    "compat.v1.logging": _LOGGING,
    "config": _DEVICES,
    "config.experimental": _DEVICES | {"set_memory_growth": ".devices.set_memory_growth"},
    "distribute": {"MirroredStrategy": ".devices.MirroredStrategy", "get_strategy": ".devices.get_strategy"},
    "dtypes": _DTYPES,
    "gfile": _GFILE,
    "io.gfile": _GFILE,
    "linalg": _MATRICES
    | {
        "cholesky": "ops.cholesky input",
        "det": "ops.det input",
        "diag_part": ".arrays.diag_part",
        "inv": "ops.inv input",
        "l2_normalize": "ops.l2_normalize x axis",
        "matrix_transpose": ".arrays.matrix_transpose",
        "solve": "ops.solve matrix rhs",
        "trace": ".arrays.trace",
    },
    "logging": _LOGGING,
    "math": _EVERYWHERE
    | _TOP
    | {
        "ceil": "ops.ceil x",
        "count_nonzero": "ops.count_nonzero input axis",
        "divide_no_nan": f"ops.divide_no_nan {_BOTH}",
        "erf": "ops.erf x",
        "expm1": "ops.expm1 x",
        "floordiv": f"ops.floor_divide {_BOTH}",
        "floormod": f"ops.mod {_BOTH}",
        "is_finite": "ops.isfinite x",
        "is_inf": "ops.isinf x",
        "is_nan": "ops.isnan x",
        "l2_normalize": "ops.l2_normalize x axis",
        "log": "ops.log x",
        "log1p": "ops.log1p x",
        "log_sigmoid": "ops.log_sigmoid x",
        "log_softmax": "ops.log_softmax logits axis",
        "logical_xor": f"ops.logical_xor {_BOTH}",
        "mod": f"ops.mod {_BOTH}",
        "multiply_no_nan": ".arrays.multiply_no_nan",
        "reciprocal": "ops.reciprocal x",
        "reduce_std": f"ops.std {_REDUCTION}",
        "reduce_variance": f"ops.var {_REDUCTION}",
        "rsqrt": "ops.rsqrt x",
        "softmax": "ops.softmax logits axis",
        "softplus": "ops.softplus features",
        "softsign": "ops.softsign features",
        "unsorted_segment_max": ".segments.unsorted_segment_max",
        "unsorted_segment_mean": ".segments.unsorted_segment_mean",
        "unsorted_segment_sum": "ops.segment_sum data segment_ids num_segments",
    },
    "nest": {"flatten": ".programs.flatten", "map_structure": ".programs.map_structure"},
    "nn": _TOP
    | {
        "dropout": ".nn.dropout",
        "elu": "ops.elu features",
        "embedding_lookup": ".nn.embedding_lookup",
        "gelu": ".nn.gelu",
        "l2_normalize": "ops.l2_normalize x axis",
        "leaky_relu": "ops.leaky_relu features alpha",
        "log_softmax": "ops.log_softmax logits axis",
        "moments": ".nn.moments",
        "relu": "ops.relu features",
        "relu6": "ops.relu6 features",
        "selu": "ops.selu features",
        "sigmoid": "ops.sigmoid x",
        "sigmoid_cross_entropy_with_logits": ".nn.sigmoid_cross_entropy_with_logits",
        "silu": ".nn.silu",
        "softmax": "ops.softmax logits axis",
        "softmax_cross_entropy_with_logits": ".nn.softmax_cross_entropy_with_logits",
        "softplus": "ops.softplus features",
        "softsign": "ops.softsign features",
        "sparse_softmax_cross_entropy_with_logits": ".nn.sparse_softmax_cross_entropy_with_logits",
        "swish": ".nn.silu",
        "tanh": "ops.tanh x",
    },
    "random": {
        "categorical": ".random.categorical",
        "normal": "random.normal shape mean stddev dtype seed",
        "set_seed": "utils.set_random_seed seed",
        "shuffle": ".random.shuffle",
        "truncated_normal": "random.truncated_normal shape mean stddev dtype seed",
        "uniform": ".random.uniform",
    },
    "signal": {"irfft": ".signal.irfft", "rfft": ".signal.rfft"},
    "strings": {
        name: f".strings.{name}"
        for name in (
            *(
                "as_string",
                "bytes_split",
                "join",
                "length",
                "lower",
                "reduce_join",
                "regex_full_match",
                "regex_replace",
            ),
            *("split", "strip", "substr", "to_number", "unicode_split", "upper"),
        )
    },
    "test": {name: f".devices.{name}" for name in ("gpu_device_name", "is_gpu_available")},
}

MODULES = {"compat.v1.keras": "fastlstm.keras", "data": "fastlstm.data", "keras": "fastlstm.keras"}
"""Modules that are namespaces."""

TAKING_TEXTS = frozenset(
    f"ops.{name}"
    for name in (
        *("broadcast_to", "concatenate", "equal", "expand_dims", "flip", "not_equal", "repeat", "reshape", "roll"),
        *("squeeze", "stack", "tile", "transpose"),
    )
)
"""Functions that take texts here, as they put entries elsewhere or compare them."""
