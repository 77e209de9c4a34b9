"""Makes the *.keras2.h5 files beside this one: models of make.py in the .h5 form of Keras 2.

    PYTHONPATH=... python3 test/golden/keras/make_keras2.py

Keras 2 itself was not at hand. The .h5 files that Keras 3 wrote are rewritten by what is known of Keras 2.15's form: plain
dtypes, batch_input_shape, calls as lists of [layer, call, tensor, kwargs] with nested models counted from 1, no module, names
of weights with ":0", text attributes as fixed-length bytes.
"""
import json, os, shutil
import h5py
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
NESTED = ("Functional", "Sequential", "Model")


def refs(value):
    if isinstance(value, dict) and value.get("class_name") == "__keras_tensor__":
        return [value["config"]["keras_history"]]
    if isinstance(value, (list, tuple)):
        return [r for v in value for r in refs(v)]
    return []


def layer(entry, nested):
    config = dict(entry["config"])
    if entry["class_name"] in NESTED:
        out = model({"class_name": entry["class_name"], "config": config})
    else:
        if isinstance(config.get("dtype"), dict):
            config["dtype"] = "float32"
        if "batch_shape" in config:
            config["batch_input_shape"] = config.pop("batch_shape")
        for key in ("layer", "backward_layer"):
            if key in config:
                config[key] = layer(config[key], nested)
        out = {"class_name": entry["class_name"], "config": config}
    if "inbound_nodes" in entry:
        out["name"] = entry["name"]
        calls = []
        for node in entry["inbound_nodes"]:
            named = {k: [[n, c, t] for n, c, t in refs(v)] for k, v in node["kwargs"].items() if refs(v)}
            calls.append([[n, c + (1 if n in nested else 0), t, named if i == 0 else {}] for i, (n, c, t) in enumerate(refs(node["args"]))])
        out["inbound_nodes"] = calls
    return out


def model(json_model):
    config = dict(json_model["config"])
    nested = {e["config"]["name"] for e in config["layers"] if e["class_name"] in NESTED}
    for key in ("input_layers", "output_layers"):
        if key in config:
            v = config[key]
            v = list(v.values()) if isinstance(v, dict) else v
            config[key] = [v] if isinstance(v[0], str) else v
    functional = {e["config"]["name"] for e in config["layers"] if e["class_name"] in ("Functional", "Model")}
    if "output_layers" in config:
        config["output_layers"] = [[n, c + (1 if n in nested and n not in functional else 0), t] for n, c, t in config["output_layers"]]
    config["layers"] = [layer(e, nested) for e in config["layers"]]
    config.pop("dtype", None)
    return {"class_name": json_model["class_name"], "config": config}


for name in ("bidirectionals", "gru_reset_after", "shared_nested", "nested_half_frozen", "encoder_decoder"):
    target = f"{HERE}/{name}.keras2.h5"
    if os.path.exists(target):
        os.remove(target)
    with h5py.File(f"{HERE}/{name}.h5") as old, h5py.File(target, "w") as new:
        new.attrs["model_config"] = np.bytes_(json.dumps(model(json.loads(old.attrs["model_config"]))))
        new.attrs["keras_version"] = np.bytes_("2.15.0")
        new.attrs["backend"] = np.bytes_("tensorflow")
        group = new.create_group("model_weights")
        names = [n for n in old["model_weights"].attrs["layer_names"]]
        group.attrs["layer_names"] = np.array([np.bytes_(n) for n in names])
        for n in names:
            g = group.create_group(n)
            weights = list(old["model_weights"][n].attrs["weight_names"])
            g.attrs["weight_names"] = np.array([np.bytes_(w + ":0") for w in weights], dtype="S100") if weights else np.zeros(0)
            for w in weights:
                g.create_dataset(w + ":0", data=old["model_weights"][n][w][()])
    print(name, os.path.getsize(target))
