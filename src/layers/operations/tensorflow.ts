/**
 * TensorFlow's functions in models of Keras 2, where `tf.math.add(x, y)`, `x + y` and `x[:, 0]` are layers (TFOpLambda,
 * SlicingOpLambda) that name a function: each by an operation of Keras 3, with the arguments in TensorFlow's names and with
 * TensorFlow's defaults (https://www.tensorflow.org/api_docs/python/tf, 2.15).
 */
import * as tf from "@tensorflow/tfjs";
import { ArgumentError } from "../../errors.js";
import { elementwise } from "./elementwise.js";
import { images } from "./images.js";
import { products } from "./products.js";
import { reductions } from "./reductions.js";
import { type Arguments, type OperationRule, option, rule, tensor } from "./rule.js";
import { shaping } from "./shaping.js";

const kerasRules = { ...elementwise, ...reductions, ...shaping, ...products, ...images };

function kerasRule(name: string): OperationRule {
  return kerasRules[name] as OperationRule;
}

/** An operation of Keras with TensorFlow's names: each argument as `theirs=ours`, or alone where both are the same. */
function as(operation: string, names: string, defaults: Arguments = {}): OperationRule {
  const pairs = names.split(" ").map((part) => part.split("=") as [string, string?]);
  const run = (args: Arguments) => {
    const given = pairs.filter(([theirs]) => args[theirs] !== undefined);
    const ours = given.map(([theirs, name]) => [name ?? theirs, args[theirs]]);
    return kerasRule(operation).run({ ...defaults, ...Object.fromEntries(ours) });
  };
  return rule(pairs.map(([theirs]) => theirs).join(" "), run, operation);
}

const two = (operation: string) => as(operation, "x=x1 y=x2");
const reduce = (operation: string) => as(operation, "input_tensor=x axis keepdims");
const features = (operation: string) => as(operation, "features=x");
/** An argument that must be what it is at rest. */
function onlyRule(inner: OperationRule, name: string, rest: unknown): OperationRule {
  const run = (args: Arguments) => {
    const { [name]: value = rest, ...others } = args;
    if (value !== rest && value !== null)
      throw new ArgumentError(`expected ${name} to be ${String(rest)}, got ${JSON.stringify(value)}`);
    return inner.run(others);
  };
  return rule([...inner.takes, name].join(" "), run, inner.as);
}

const gather = onlyRule(
  onlyRule(as("Take", "params=x indices axis", { axis: 0 }), "validate_indices", null),
  "batch_dims",
  0,
);

const split = rule(
  "value num_or_size_splits axis num",
  (args) => {
    const sizes = args.num_or_size_splits as number | number[];
    let end = 0;
    const parts =
      typeof sizes === "number"
        ? sizes
        : sizes.slice(0, -1).map((size) => {
            if (size < 0) throw new ArgumentError("split: expected sizes that are known");
            end += size;
            return end;
          });
    return kerasRule("Split").run({
      x: args.value,
      indices_or_sections: parts,
      axis: option(args, "axis", 0),
    });
  },
  "Split",
);

const matmul = rule(
  "a b transpose_a transpose_b",
  (args) => {
    const turned = (x: tf.Tensor, turn: unknown) => {
      if (turn !== true) return x;
      const order = x.shape.map((_, i) => i);
      order.splice(-2, 2, x.rank - 1, x.rank - 2);
      return tf.transpose(x, order);
    };
    return kerasRule("Matmul").run({
      x1: turned(tensor(args, "a"), args.transpose_a),
      x2: turned(tensor(args, "b"), args.transpose_b),
    });
  },
  "Matmul",
);

const pad = rule(
  "tensor paddings mode constant_values",
  (args) =>
    kerasRule("Pad").run({
      x: args.tensor,
      pad_width: args.paddings,
      mode: option(args, "mode", "CONSTANT").toLowerCase(),
      constant_values: option(args, "constant_values", 0),
    }),
  "Pad",
);

/** x / max(|x|, sqrt(epsilon)). */
const l2Normalize = rule(
  "x axis epsilon",
  (args) =>
    kerasRule("Normalize").run({
      x: args.x,
      axis: option(args, "axis", null) ?? tensor(args).shape.map((_, i) => i),
      epsilon: Math.sqrt(option(args, "epsilon", 1e-12)),
    }),
  "Normalize",
);

const getItem = rule(
  "tensor slice_spec var",
  (args) => {
    const spec = args.slice_spec;
    return kerasRule("GetItem").run({ x: args.tensor, key: spec });
  },
  "GetItem",
);

const functions: Readonly<Record<string, OperationRule>> = {
  "__operators__.getitem": getItem,
  "__operators__.add": two("Add"),
  "__operators__.eq": as("Equal", "self=x1 other=x2"),
  "__operators__.ne": as("NotEqual", "self=x1 other=x2"),
  "__operators__.logical_and": two("LogicalAnd"),
  "__operators__.logical_or": two("LogicalOr"),
  "math.add": two("Add"),
  "math.subtract": two("Subtract"),
  "math.multiply": two("Multiply"),
  "math.truediv": two("TrueDivide"),
  "math.divide": two("TrueDivide"),
  "math.divide_no_nan": two("DivideNoNan"),
  "math.floordiv": two("FloorDivide"),
  "math.floormod": two("Mod"),
  "math.mod": two("Mod"),
  "math.pow": two("Power"),
  "math.maximum": two("Maximum"),
  "math.minimum": two("Minimum"),
  "math.squared_difference": two("SquaredDifference"),
  "math.atan2": as("Arctan2", "y=x1 x=x2"),
  "math.equal": two("Equal"),
  "math.not_equal": two("NotEqual"),
  "math.greater": two("Greater"),
  "math.greater_equal": two("GreaterEqual"),
  "math.less": two("Less"),
  "math.less_equal": two("LessEqual"),
  "math.logical_and": two("LogicalAnd"),
  "math.logical_or": two("LogicalOr"),
  "math.logical_not": as("LogicalNot", "x"),
  "math.negative": as("Negative", "x"),
  "math.abs": as("Absolute", "x"),
  "math.sign": as("Sign", "x"),
  "math.exp": as("Exp", "x"),
  "math.expm1": as("Expm1", "x"),
  "math.log": as("Log", "x"),
  "math.log1p": as("Log1p", "x"),
  "math.sqrt": as("Sqrt", "x"),
  "math.rsqrt": as("Rsqrt", "x"),
  "math.square": as("Square", "x"),
  "math.reciprocal": as("Reciprocal", "x"),
  "math.floor": as("Floor", "x"),
  "math.ceil": as("Ceil", "x"),
  "math.round": as("Round", "x"),
  "math.sin": as("Sin", "x"),
  "math.cos": as("Cos", "x"),
  "math.tan": as("Tan", "x"),
  "math.asin": as("Arcsin", "x"),
  "math.acos": as("Arccos", "x"),
  "math.atan": as("Arctan", "x"),
  "math.sinh": as("Sinh", "x"),
  "math.cosh": as("Cosh", "x"),
  "math.tanh": as("Tanh", "x"),
  "math.erf": as("Erf", "x"),
  "math.sigmoid": as("Sigmoid", "x"),
  "math.softplus": features("Softplus"),
  "math.log_sigmoid": as("LogSigmoid", "x"),
  "math.is_nan": as("Isnan", "x"),
  "math.is_inf": as("Isinf", "x"),
  "math.is_finite": as("Isfinite", "x"),
  "math.reduce_mean": reduce("Mean"),
  "math.reduce_sum": reduce("Sum"),
  "math.reduce_max": reduce("Max"),
  "math.reduce_min": reduce("Min"),
  "math.reduce_prod": reduce("Prod"),
  "math.reduce_std": reduce("Std"),
  "math.reduce_variance": reduce("Var"),
  "math.reduce_any": reduce("Any"),
  "math.reduce_all": reduce("All"),
  "math.reduce_logsumexp": reduce("Logsumexp"),
  "math.reduce_euclidean_norm": reduce("Norm"),
  "math.argmax": as("Argmax", "input=x axis", { axis: 0 }),
  "math.argmin": as("Argmin", "input=x axis", { axis: 0 }),
  "math.cumsum": onlyRule(
    onlyRule(as("Cumsum", "x axis", { axis: 0 }), "exclusive", false),
    "reverse",
    false,
  ),
  "math.add_n": as("AddN", "inputs=xs"),
  "math.l2_normalize": l2Normalize,
  "nn.l2_normalize": l2Normalize,
  "linalg.l2_normalize": l2Normalize,
  "nn.relu": features("Relu"),
  "nn.relu6": features("Relu6"),
  "nn.leaky_relu": as("LeakyRelu", "features=x alpha=negative_slope", { negative_slope: 0.2 }),
  "nn.elu": features("Elu"),
  "nn.selu": features("Selu"),
  "nn.gelu": as("Gelu", "features=x approximate", { approximate: false }),
  "nn.silu": onlyRule(features("Silu"), "beta", 1),
  "nn.swish": onlyRule(features("Silu"), "beta", 1),
  "nn.sigmoid": as("Sigmoid", "x"),
  "nn.tanh": as("Tanh", "x"),
  "nn.softplus": features("Softplus"),
  "nn.softsign": features("Softsign"),
  "nn.softmax": as("Softmax", "logits=x axis"),
  "nn.log_softmax": as("LogSoftmax", "logits=x axis"),
  "nn.depth_to_space": as("DepthToSpace", "input=x block_size"),
  "nn.space_to_depth": as("SpaceToDepth", "input=x block_size"),
  depth_to_space: as("DepthToSpace", "input=x block_size"),
  space_to_depth: as("SpaceToDepth", "input=x block_size"),
  concat: as("Concatenate", "values=xs axis"),
  stack: as("Stack", "values=x axis"),
  unstack: as("Unstack", "value=x num axis"),
  split,
  reshape: as("Reshape", "tensor=x shape"),
  transpose: onlyRule(as("Transpose", "a=x perm=axes"), "conjugate", false),
  expand_dims: as("ExpandDims", "input=x axis"),
  squeeze: as("Squeeze", "input=x axis"),
  reverse: as("Flip", "tensor=x axis"),
  roll: as("Roll", "input=x shift axis"),
  tile: as("Tile", "input=x multiples=repeats"),
  repeat: as("Repeat", "input=x repeats axis"),
  cast: as("Cast", "x dtype"),
  identity: as("Identity", "input=x"),
  stop_gradient: as("StopGradient", "input=variable"),
  zeros_like: as("ZerosLike", "input=x dtype"),
  ones_like: as("OnesLike", "input=x dtype"),
  broadcast_to: as("BroadcastTo", "input=x shape"),
  where: as("Where", "condition x=x1 y=x2"),
  gather,
  pad,
  one_hot: onlyRule(
    onlyRule(onlyRule(as("OneHot", "indices=x depth=num_classes axis"), "on_value", null), "off_value", null),
    "dtype",
    null,
  ),
  clip_by_value: as("Clip", "t=x clip_value_min=x_min clip_value_max=x_max"),
  norm: rule("tensor ord axis keepdims", (args) =>
    kerasRule("Norm").run({ x: args.tensor, ord: args.ord, axis: args.axis, keepdims: args.keepdims }),
  ),
  "linalg.matmul": matmul,
  "image.resize": onlyRule(
    as("Resize", "images size method=interpolation antialias", { data_format: "channels_last" }),
    "preserve_aspect_ratio",
    false,
  ),
  "image.rgb_to_grayscale": as("RGBToGrayscale", "images"),
};

/** By the function's name after `tf.`. */
export const tensorflowFunctions: Readonly<Record<string, OperationRule>> = Object.fromEntries(
  Object.entries(functions).map(([name, value]) => [`tf.${name}`, value]),
);

/** Functions of `tf.compat.v1` that compute otherwise than those of that name. */
const OTHERWISE = new Set(["image.resize", "where", "norm", "nn.max_pool"]);

/** What a TFOpLambda or SlicingOpLambda calls, as a name in the table of operations. */
export function functionName(name: string): string {
  const old = /^compat\.v1\.(.*)$/.exec(name)?.[1];
  return `tf.${old === undefined || OTHERWISE.has(old) ? name : old}`;
}
