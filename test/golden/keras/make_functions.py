"""Makes functions.keras2.h5 beside this file: TensorFlow's functions as layers (TFOpLambda, SlicingOpLambda) of a Keras 2 model.

    PYTHONPATH=... python3 test/golden/keras/make_functions.py

Keras 2 itself was not at hand. The configuration is written here as `Node.serialize` of Keras 2.15 does it, and the functions
that it names are run by TensorFlow 2.21.0 (CPU) on what it says.
"""
import json, os
import h5py
import numpy as np
import tensorflow as tf
from make import encode

HERE = os.path.dirname(os.path.abspath(__file__))
ALL = {"start": None, "stop": None, "step": None}


def part(start=None, stop=None, step=None):
    return {"start": start, "stop": stop, "step": step}


# name of a layer: function, first argument (a layer's name, a list of them, or {"constant": ...}), others as Keras writes them
NODES = {
    "tf.math.add": ("math.add", "x", {"y": ["y", 0, 0], "name": None}),
    "tf.__operators__.add": ("__operators__.add", "x", {"y": 1.5, "name": None}),
    "tf.math.subtract": ("math.subtract", {"constant": 1.0}, {"y": ["x", 0, 0], "name": None}),
    "tf.math.multiply": ("math.multiply", "x", {"y": [[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]], "name": None}),
    "tf.math.truediv": ("math.truediv", "x", {"y": 127.5, "name": None}),
    "tf.math.pow": ("math.pow", "x", {"y": 2, "name": None}),
    "tf.math.abs": ("math.abs", "x", {"name": None}),
    "tf.math.exp": ("math.exp", "x", {"name": None}),
    "tf.math.square": ("math.square", "x", {"name": None}),
    "tf.math.sqrt": ("math.sqrt", "tf.math.exp", {"name": None}),
    "tf.math.rsqrt": ("math.rsqrt", "tf.math.exp", {"name": None}),
    "tf.math.log": ("math.log", "tf.math.exp", {"name": None}),
    "tf.math.maximum": ("math.maximum", "x", {"y": ["y", 0, 0], "name": None}),
    "tf.math.minimum": ("math.minimum", "x", {"y": 0.3, "name": None}),
    "tf.math.negative": ("math.negative", "x", {"name": None}),
    "tf.math.greater": ("math.greater", "x", {"y": 0, "name": None}),
    "tf.where": ("where", "tf.math.greater", {"x": ["x", 0, 0], "y": ["y", 0, 0], "name": None}),
    "tf.math.sigmoid": ("math.sigmoid", "x", {"name": None}),
    "tf.math.tanh": ("math.tanh", "x", {"name": None}),
    "tf.nn.relu": ("nn.relu", "x", {"name": None}),
    "tf.nn.relu6": ("nn.relu6", "x", {"name": None}),
    "tf.nn.leaky_relu": ("nn.leaky_relu", "x", {"alpha": 0.3, "name": None}),
    "tf.nn.leaky_relu_1": ("nn.leaky_relu", "x", {"name": None}),
    "tf.nn.gelu": ("nn.gelu", "x", {"name": None}),
    "tf.nn.gelu_1": ("nn.gelu", "x", {"approximate": True, "name": None}),
    "tf.nn.silu": ("nn.silu", "x", {"beta": 1.0}),
    "tf.nn.softmax": ("nn.softmax", "x", {"axis": 1, "name": None}),
    "tf.math.reduce_mean": ("math.reduce_mean", "image", {"axis": [1, 2], "keepdims": True, "name": None}),
    "tf.math.reduce_sum": ("math.reduce_sum", "x", {"axis": {"class_name": "__tuple__", "items": [-1]}, "keepdims": False}),
    "tf.math.reduce_max": ("math.reduce_max", "x", {"axis": 1, "keepdims": False, "name": None}),
    "tf.math.reduce_std": ("math.reduce_std", "x", {"axis": -1, "keepdims": True}),
    "tf.math.l2_normalize": ("math.l2_normalize", "x", {"axis": -1, "epsilon": 1e-12}),
    "tf.concat": ("concat", ["x", "y"], {"axis": -1, "name": "concat"}),
    "tf.stack": ("stack", ["x", "y", "x"], {"axis": 1, "name": "stack"}),
    "tf.reshape": ("reshape", "x", {"shape": [-1, 12, 2], "name": None}),
    "tf.compat.v1.transpose": ("compat.v1.transpose", "image", {"perm": [0, 3, 1, 2]}),
    "tf.expand_dims": ("expand_dims", "x", {"axis": 1}),
    "tf.compat.v1.squeeze": ("compat.v1.squeeze", "tf.expand_dims", {"axis": [1]}),
    "tf.cast": ("cast", "x", {"dtype": "int32"}),
    "tf.cast_1": ("cast", "tf.math.greater", {"dtype": "float32"}),
    "tf.tile": ("tile", "x", {"multiples": [1, 2, 1]}),
    "tf.clip_by_value": ("clip_by_value", "x", {"clip_value_min": -0.5, "clip_value_max": 0.5}),
    "tf.compat.v1.pad": ("compat.v1.pad", "x", {"paddings": [[0, 0], [1, 0], [0, 2]], "mode": "CONSTANT"}),
    "tf.compat.v1.gather": ("compat.v1.gather", "x", {"indices": [2, 0], "axis": 1}),
    "tf.split": ("split", "x", {"num_or_size_splits": [1, 3], "axis": 1}),
    "tf.linalg.matmul": ("linalg.matmul", "x", {"b": ["y", 0, 0], "transpose_b": True}),
    "tf.image.resize": ("image.resize", "image", {"size": [9, 8], "method": "bilinear"}),
    "tf.image.resize_1": ("image.resize", "image", {"size": [3, 3], "method": "nearest"}),
    "tf.__operators__.getitem": ("__operators__.getitem", "x", {"slice_spec": [ALL, 0]}),
    "tf.__operators__.getitem_1": ("__operators__.getitem", "x", {"slice_spec": {"class_name": "__tuple__", "items": [{"class_name": "__ellipsis__"}, part(1, -1, 2), None]}}),
}


def value(argument, found):
    """What Keras 2 makes of an argument in a node."""
    if isinstance(argument, list):
        if len(argument) == 3 and isinstance(argument[0], str):
            return found[argument[0]]
        return [value(v, found) for v in argument]
    if isinstance(argument, dict):
        if argument.get("class_name") == "__tuple__":
            return tuple(value(v, found) for v in argument["items"])
        if argument.get("class_name") == "__ellipsis__":
            return Ellipsis
        return slice(argument["start"], argument["stop"], argument["step"])
    return argument


def call(function, first, others, found):
    given = first["constant"] if isinstance(first, dict) else [found[n] for n in first] if isinstance(first, list) else found[first]
    others = {key: value(argument, found) for key, argument in others.items()}
    if function == "__operators__.getitem":
        spec = others["slice_spec"]
        return given[tuple(spec) if isinstance(spec, list) else spec]
    if function == "__operators__.add":
        return given + others["y"]
    target = tf
    for name in function.split("."):
        target = getattr(target, name)
    return target(given, **others)


def entry(name, function, first, others):
    node = lambda n: [n, 0, 0, others]
    inbound = ["_CONSTANT_VALUE", -1, first["constant"], others] if isinstance(first, dict) else [node(n) for n in first] if isinstance(first, list) else node(first)
    class_name = "SlicingOpLambda" if function == "__operators__.getitem" else "TFOpLambda"
    config = {"name": name, "trainable": True, "dtype": "float32", "function": function}
    return {"class_name": class_name, "config": config, "name": name, "inbound_nodes": [inbound]}


def main():
    rng = np.random.default_rng(3)
    shapes = {"x": (4, 6), "y": (4, 6), "image": (5, 4, 3)}
    found = {name: tf.constant(rng.normal(0, 1, (2, *shape)).astype("float32")) for name, shape in shapes.items()}
    inputs = dict(found)
    layers = [
        {"class_name": "InputLayer", "config": {"batch_input_shape": [None, *shape], "dtype": "float32", "sparse": False, "ragged": False, "name": name}, "name": name, "inbound_nodes": []}
        for name, shape in shapes.items()
    ]
    ends, outputs = [], []
    with tf.GradientTape() as tape:
        tape.watch(list(inputs.values()))
        for name, (function, first, others) in NODES.items():
            made = call(function, first, others, found)
            found[name] = made
            layers.append(entry(name, function, first, others))
            for i, y in enumerate(made if isinstance(made, (list, tuple)) else [made]):
                ends.append([name, 0, i])
                outputs.append(y)
        # All that is a float in one, so that one gradient is of them all.
        flat, names = [], []
        for (name, _, i), y in zip(ends, outputs):
            if y.dtype == tf.float32 and i == 0 and not isinstance(found[name], (list, tuple)):
                flat.append(tf.reshape(y, [2, -1]))
                names.append(f"flat_{len(names)}")
                layers.append(entry(names[-1], "reshape", name, {"shape": [-1, int(np.prod(y.shape[1:]))]}))
        all_ = tf.concat(flat, -1)
        layers.append(entry("all", "concat", names, {"axis": -1}))
        total = tf.reduce_sum(tf.tanh(all_), -1, keepdims=True)
        layers.append(entry("bounded", "math.tanh", "all", {}))
        layers.append(entry("total", "math.reduce_sum", "bounded", {"axis": -1, "keepdims": True}))
        target = tf.reduce_sum(total)
    gradients = tape.gradient(target, list(inputs.values()))
    model = {"class_name": "Functional", "config": {
        "name": "model", "trainable": True, "layers": layers,
        "input_layers": [[name, 0, 0] for name in shapes],
        "output_layers": [["total", 0, 0], *ends],
    }}
    kept = [total, *outputs]
    with open(f"{HERE}/functions.json", "w") as f:
        json.dump({"inputs": [encode(v) for v in inputs.values()], "outputs": [encode(y) for y in kept], "gradients": [encode(g) for g in gradients]}, f)
    with h5py.File(f"{HERE}/functions.keras2.h5", "w") as h5:
        h5.attrs["model_config"] = np.bytes_(json.dumps(model))
        h5.attrs["keras_version"] = np.bytes_("2.15.0")
        h5.attrs["backend"] = np.bytes_("tensorflow")
        group = h5.create_group("model_weights")
        group.attrs["layer_names"] = np.array([np.bytes_(layer["name"]) for layer in layers])
        for layer in layers:
            group.create_group(layer["name"]).attrs["weight_names"] = np.zeros(0)
    print(len(NODES), os.path.getsize(f"{HERE}/functions.keras2.h5"), os.path.getsize(f"{HERE}/functions.json"))


if __name__ == "__main__":
    main()
