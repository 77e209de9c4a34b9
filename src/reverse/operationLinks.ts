/** What bare operations of Keras and functions of TensorFlow are made of: those that are sums, moves or activations. */
import * as tf from "@tensorflow/tfjs";
import type { OperationArgument } from "../layers/Operation.js";
import { namedArguments, type OperationRule } from "../layers/operations/rule.js";
import { operations } from "../layers/operations.js";
import { type LayerCall, type Link, SOFTMAX, Wiring } from "./layerCall.js";

type Given = Readonly<Record<string, OperationArgument>>;

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));

/** Of one tensor: the same values in another order or shape, some left out, some repeated, zeros between them. */
const MOVING = words(`
  Identity Copy ConvertToTensor Cast Reshape Ravel Transpose Swapaxes Moveaxis Squeeze ExpandDims GetItem Slice Flip Fliplr
  Flipud Roll Tile Repeat Pad BroadcastTo Take Tril Triu Diagonal Resize ExtractPatches CropImages PadImages DepthToSpace
  SpaceToDepth`);
/** Of one tensor: sums of its values, with constant factors. */
const SUMMING = words("Mean Sum Average Cumsum Trace Diff RGBToGrayscale");
/** Of several tensors. */
const JOINING = words("Concatenate Stack Hstack Vstack Append");
/** Of one tensor: several, each of some of its values. */
const PARTING = words("Split ArraySplit Unstack");
/** Of one tensor and constants: k x + b for each element. */
const SCALING = words("Add Subtract Multiply Divide TrueDivide Negative Deg2rad Rad2deg");
/** Of one tensor's shape alone: k = 0. */
const CONSTANT = words("ZerosLike OnesLike FullLike");
/** Of a real and an imaginary part: sums of the values of both, with constant factors. */
const TRANSFORMS = words("FFT FFT2 IFFT2");
/** Of two tensors. */
const PRODUCTS = words("Matmul Dot Inner Tensordot Einsum");
/**
 * Functions of each element, which alone has its relevance: it passes unchanged (Achtibat et al. 2024, arXiv:2402.05602,
 * section 3.3); those of one row of values together (vectors of length 1) included.
 */
const ACTIVATIONS = words(`
  Relu Relu6 Sigmoid Tanh Elu Selu Celu Gelu Silu Mish Softplus Softsign LeakyRelu HardSigmoid HardSilu HardTanh LogSigmoid
  TanhShrink HardShrink SoftShrink Squareplus SparsePlus SparseSigmoid Threshold Normalize RMSNorm Absolute Abs Fabs Exp Exp2
  Expm1 Log Log1p Log2 Log10 Sqrt Rsqrt Square Reciprocal Sin Cos Tan Arcsin Arccos Arctan Sinh Cosh Arcsinh Arccosh Arctanh
  Erf Clip NanToNum`);
/** The same with a number, on either side. */
const WITH_A_NUMBER = words("Power Maximum Minimum Divide TrueDivide");

/** The links of an operation; null: only as it is. */
export function operationLinks(call: LayerCall): Link[] | null {
  const { name, given, fed, rule } = read(call);
  const apply = (...xs: tf.Tensor[]) => call.layer.apply(xs) as tf.Tensor;
  const inputs = call.node.inputs.length;
  const first = rule.takes[0] as string;
  if (inputs === 1 && fed.length === 1) {
    const scaled = SCALING.has(name) ? scaling(call, name, given) : null;
    if (scaled !== null) return scaled;
    // By an array that spreads x over more places.
    if (name === "Multiply") return [{ kind: "sum", apply }];
    const one: Link = { kind: "activation", activation: name.toLowerCase(), apply };
    if (WITH_A_NUMBER.has(name) && hasOwnShape(call)) return [one];
    if (CONSTANT.has(name)) return call.affine();
    if (PRODUCTS.has(name)) return [{ kind: "sum", apply }];
    if (fed[0] !== first || Array.isArray(given[first])) return null;
    if (MOVING.has(name)) return isMove(name, given) ? [{ kind: "move", apply }] : null;
    if (SUMMING.has(name)) return [{ kind: "sum", apply }];
    if (PARTING.has(name)) return parts(call, "move");
    if (name === "RFFT") return parts(call, "sum");
    if (ACTIVATIONS.has(name)) return [one];
    const axis = given.axis ?? -1;
    if (name === "Softmax" && typeof axis === "number") return [{ ...SOFTMAX, axis, apply }];
    return null;
  }
  if (inputs === 2 && fed.length === 1 && TRANSFORMS.has(name)) return transform(call);
  // The order in which a sum of a list is written down is that of the inputs.
  if (fed.length === 1 && JOINING.has(name)) return [{ kind: "move", apply }];
  if (fed.length === 2 && inputs === 2) {
    if (name === "Append") return [{ kind: "move", apply }];
    const [a, b] = fed.map((argument) => placeOf(given[argument]));
    return a === 0 && b === 1 ? (pairwise[name]?.() ?? null) : null;
  }
  return null;
}

/** The link of an operation that is a product of two tensors, null for others. */
export function productLinks(call: LayerCall): Link[] | null {
  const { name, given, fed } = read(call);
  const two = call.node.inputs.length === 2 && fed.length === 2;
  if (!two || !PRODUCTS.has(name) || fed.some((argument, i) => placeOf(given[argument]) !== i)) return null;
  return [{ kind: "bilinear", apply: (a, b) => call.layer.apply([a, b]) as tf.Tensor }];
}

const pairwise: Readonly<Record<string, () => Link[]>> = {
  Add: () => [{ kind: "add", factors: [1, 1] }],
  Subtract: () => [{ kind: "add", factors: [1, -1] }],
  Multiply: () => [{ kind: "multiply" }],
  Maximum: () => [{ kind: "extremum", largest: true }],
  Minimum: () => [{ kind: "extremum", largest: false }],
};

/** The operation by its name in Keras, its arguments by name, and which of them hold inputs. */
function read({ config }: LayerCall): {
  name: string;
  given: Given;
  fed: string[];
  rule: OperationRule;
} {
  const text = (key: string) => (config[key] as { name: string }).name;
  const own = text("operation");
  const rule = operations[own] as OperationRule;
  const args = JSON.parse(text("args")) as OperationArgument[];
  const kwargs = JSON.parse(text("kwargs")) as Given;
  const given = namedArguments(rule, args, kwargs) as Given;
  const fed = rule.takes.filter((argument) => given[argument] !== undefined && holdsInput(given[argument]));
  return { name: rule.as ?? own, given, fed, rule };
}

function holdsInput(argument: OperationArgument): boolean {
  return Array.isArray(argument) ? argument.some(holdsInput) : placeOf(argument) !== null;
}

/** The number of the input that an argument is; null for what is none. */
function placeOf(argument: OperationArgument | undefined): number | null {
  return typeof argument === "object" && argument !== null && "input" in argument ? argument.input : null;
}

/** Whether an operation of that name only moves values: padding with anything but zeros adds to them. */
function isMove(name: string, given: Given): boolean {
  return name !== "Pad" || !given.constant_values;
}

/** k x + b: by numbers, or by arrays where the result has the shape of x. */
function scaling(call: LayerCall, name: string, given: Given): Link[] | null {
  if (/Divide/.test(name) && placeOf(Object.values(given)[0]) === null) return null;
  const numbers = Object.values(given).every((value) => placeOf(value) !== null || typeof value === "number");
  const known = !call.inputShape.slice(1).includes(null);
  return numbers || (known && hasOwnShape(call)) ? call.affine() : null;
}

/** Whether what comes out has the shape of what goes in. */
function hasOwnShape({ inputShape, outputShape }: LayerCall): boolean {
  return String(inputShape) === String(outputShape);
}

/** Each of the outputs by itself. */
function parts(call: LayerCall, kind: "move" | "sum"): Link[] {
  const wiring = new Wiring(call);
  for (const i of call.node.outputs.keys()) {
    const apply = (x: tf.Tensor) => [call.layer.apply(x)].flat()[i] as tf.Tensor;
    wiring.give(wiring.add({ kind, apply }, 0), i);
  }
  return wiring.links;
}

/** Each of the two outputs: what comes of the one input, and of the other. */
function transform(call: LayerCall): Link[] {
  const wiring = new Wiring(call);
  for (const i of [0, 1]) {
    const from = (place: number) => {
      const apply = (x: tf.Tensor) => {
        const zeros = tf.zerosLike(x);
        return [call.layer.apply(place === 0 ? [x, zeros] : [zeros, x])].flat()[i] as tf.Tensor;
      };
      return wiring.add({ kind: "sum", apply }, place);
    };
    wiring.give(wiring.add({ kind: "add", factors: [1, 1] }, from(0), from(1)), i);
  }
  return wiring.links;
}
