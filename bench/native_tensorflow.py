"""The cases of `npm run bench -- core` in native TensorFlow, one thread: medians in milliseconds.

    python3 -m pip install tensorflow-cpu==2.21.0
    python3 bench/native_tensorflow.py

The project needs no Python; this is for whoever wants the comparison.
"""

import os
import statistics
import time

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np
import tensorflow as tf

tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)

rng = np.random.default_rng(1)


def median_ms(run, seconds=1.0):
    """Median of single runs, the first few not counted."""
    for _ in range(3):
        run()
    times = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 7:
        start = time.perf_counter()
        run()
        times.append((time.perf_counter() - start) * 1e3)
    return statistics.median(times)


def floats(*shape):
    return tf.constant(rng.random(shape, dtype=np.float32))


def patches(shape, k, stride, rate):
    x = floats(*shape)
    return lambda: tf.image.extract_patches(
        x, [1, k, k, 1], [1, stride, stride, 1], [1, rate, rate, 1], "SAME"
    )


def fold(shape, k):
    """The gradient of the patches, on its own: a compiled function of the cotangent."""
    x = floats(*shape)
    r = floats(*shape[:3], k * k * shape[3])

    @tf.function
    def gradient(x, r):
        y = tf.image.extract_patches(x, [1, k, k, 1], [1, 1, 1, 1], [1, 1, 1, 1], "SAME")
        return tf.gradients(y, x, grad_ys=r)[0]

    return lambda: gradient(x, r)


table = floats(10_000, 256)
rows = tf.constant(rng.integers(0, 10_000, 20_000, dtype=np.int32))
columns = tf.constant(rng.integers(0, 256, 512, dtype=np.int32))
pairs = tf.constant(np.stack([rng.integers(0, 10_000, 10**6), rng.integers(0, 256, 10**6)], 1).astype(np.int32))
row, column = floats(1, 256), floats(10_000, 1)
nchw = floats(8, 64, 56, 56)

CASES = {
    "extractPatches 1x224x224x64, 3x3, stride 1, rate 1, SAME": patches((1, 224, 224, 64), 3, 1, 1),
    "extractPatches 1x224x224x3, 3x3, stride 1, rate 1, SAME": patches((1, 224, 224, 3), 3, 1, 1),
    "extractPatches 8x32x32x1, 5x5, stride 2, rate 2, SAME": patches((8, 32, 32, 1), 5, 2, 2),
    "extractPatches 8x32x32x4, 5x5, stride 2, rate 2, SAME": patches((8, 32, 32, 4), 5, 2, 2),
    "foldPatches 1x224x224x64, 3x3, stride 1, rate 1, SAME": fold((1, 224, 224, 64), 3),
    "gather 20,000 rows of 256 floats from 10,000": lambda: tf.gather(table, rows),
    "gather axis 1, 10,000x256 with 512 indices": lambda: tf.gather(table, columns, axis=1),
    "gatherNd 1,000,000 scalars from 10,000x256": lambda: tf.gather_nd(table, pairs),
    "broadcastTo [1,256] to [10000,256]": lambda: tf.broadcast_to(row, [10_000, 256]),
    "broadcastTo [10000,1] to [10000,256]": lambda: tf.broadcast_to(column, [10_000, 256]),
    "isFinite mask of 2,560,000 floats": lambda: tf.math.is_finite(table),
    "transpose NCHW to NHWC 8x64x56x56": lambda: tf.transpose(nchw, [0, 2, 3, 1]),
}

for name, run in CASES.items():
    print(f"{name:60s} {median_ms(run):8.3f} ms")
