"""Writes HDF5 files as Keras does not, but others may. With h5py 3, in this folder: python make.py"""

import json

import h5py
import numpy as np

KERNEL = np.array([[1, 2], [3, 4]])


def model(path, kernels, **file):
    """One dense layer a kernel, each stored by a function of its group."""
    layers = [{"class_name": "Dense", "config": {"name": name, "units": 2, "use_bias": False}} for name in kernels]
    layers[0]["config"]["batch_input_shape"] = [None, 2]
    config = {"class_name": "Sequential", "config": {"name": "stored", "layers": layers}}
    with h5py.File(path, "w", **file) as f:
        f.attrs["keras_version"] = np.bytes_("2.15.0")
        f.attrs["model_config"] = json.dumps(config)
        weights = f.create_group("model_weights")
        weights.attrs["layer_names"] = np.array([name.encode() for name in kernels])
        for name, store in kernels.items():
            group = weights.create_group(name)
            group.attrs["weight_names"] = np.array([b"kernel"])
            store(group)


def array(dtype="<f4", **options):
    return lambda group: group.create_dataset("kernel", data=KERNEL.astype(dtype), **options)


def compact(group):
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_layout(h5py.h5d.COMPACT)
    space = h5py.h5s.create_simple((2, 2))
    made = h5py.h5d.create(group.id, b"kernel", h5py.h5t.IEEE_F32LE, space, properties)
    made.write(h5py.h5s.ALL, h5py.h5s.ALL, KERNEL.astype("f4"))


def partial(group):
    made = group.create_dataset("kernel", shape=(2, 2), dtype="f4", chunks=(1, 2), fillvalue=7)
    made[1] = KERNEL[1]


model(
    "storage.h5",
    {
        "compact": compact,
        "gzip": array(chunks=(2, 1), compression="gzip", shuffle=True, fletcher32=True),
        "wider": array(chunks=(2, 3), maxshape=(None, None)),
        "partial": partial,
        "unwritten": lambda group: group.create_dataset("kernel", shape=(2, 2), dtype="f4", fillvalue=7),
        "half": array("<f2"),
        "double": array(">f8"),
        "whole": array("<i8"),
    },
    userblock_size=512,
)
model("external.h5", {"dense": lambda group: array(external=[("values.bin", 0, 16)])(group)})
model("lzf.h5", {"dense": array(chunks=(64, 64), maxshape=(None, None), compression="lzf")})
