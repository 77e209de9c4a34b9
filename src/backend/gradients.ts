import * as tf from "@tensorflow/tfjs";
import { ArgumentError, GraphError, ShapeError } from "../errors.js";
import { modelFromTrace } from "../graph/modelFromTrace.js";
import { needed, trace } from "../graph/trace.js";
import { Gradients } from "../layers/Gradients.js";
import { sourceOf } from "../layers/internals.js";
import { ZerosLike } from "../layers/ZerosLike.js";
import * as ops from "../ops/gradients.js";
import { applySymbolic } from "./symbolic.js";

type Symbolic = tf.SymbolicTensor;

/**
 * Vector-Jacobian product: for each x the sum over the ys of knownY . dy/dx. Every x is a leaf: no gradient flows from
 * one into another.
 *
 * For symbolic tensors the result is that of a layer on copies of the layers between xs and ys, which share their weights:
 * xs may be inner tensors of a model, and what else the ys depend on becomes an input of the new layer. Saved with a model,
 * the copies get weights of their own.
 *
 * @param f gives the ys (one tensor or a list) for the xs; it must not use random numbers or change anything
 * @param xs float32 tensors, one or a list
 * @param knownYs one tensor a y, of its shape
 * @returns one gradient an x, of its shape
 * @throws ArgumentError where the numbers of ys and knownYs differ, ShapeError where their shapes do, GraphError for an x
 *   that no y depends on. Nothing stays allocated then.
 * @source iNNvestigate utils.keras.backend.gradients
 * @example const [dx] = gradients((x) => tf.square(x), x, tf.onesLike(x));
 * @example const [dx] = gradients(model.inputs, model.outputs, tf.input({ batchShape: model.outputs[0].shape }));
 */
export function gradients(
  f: (...xs: tf.Tensor[]) => tf.Tensor | tf.Tensor[],
  xs: tf.Tensor | tf.Tensor[],
  knownYs: tf.Tensor | tf.Tensor[],
  options?: ops.GradientsOptions,
): tf.Tensor[];
export function gradients(
  xs: Symbolic | Symbolic[],
  ys: Symbolic | Symbolic[],
  knownYs: tf.Tensor | Symbolic | (tf.Tensor | Symbolic)[],
  options?: ops.GradientsOptions,
): Symbolic[];
export function gradients(
  first: ((...xs: tf.Tensor[]) => tf.Tensor | tf.Tensor[]) | Symbolic | Symbolic[],
  second: tf.Tensor | tf.Tensor[] | Symbolic | Symbolic[],
  knownYs: tf.Tensor | Symbolic | (tf.Tensor | Symbolic)[],
  options: ops.GradientsOptions = {},
): (tf.Tensor | Symbolic)[] {
  if (typeof first === "function")
    return ops.gradients(first, second as tf.Tensor[], knownYs as tf.Tensor[], options);
  return symbolicGradients([first].flat(), [second].flat() as Symbolic[], [knownYs].flat(), options);
}

function symbolicGradients(
  xs: Symbolic[],
  ys: Symbolic[],
  knownYs: (tf.Tensor | Symbolic)[],
  { unconnected = "error" }: ops.GradientsOptions,
): Symbolic[] {
  check(xs, ys, knownYs);
  const sources = inputsOf(ys);
  const traced = trace(tf.model({ inputs: sources, outputs: ys }), "gradients");
  const idOf = (x: Symbolic) => traced.tensors.find(({ symbolic }) => symbolic === x)?.id;
  const leaves = new Set(xs.map(idOf).filter((id) => id !== undefined));
  const used = new Set([
    ...needed(traced.nodes, traced.outputs, leaves).flatMap((node) => node.inputs),
    ...traced.outputs,
  ]);
  const isUsed = (x: Symbolic) => used.has(idOf(x) ?? -1);
  const open = xs.find((x) => !isUsed(x));
  if (open !== undefined && unconnected === "error")
    throw new GraphError(
      `gradients: no y depends on the tensor "${open.name}" of shape [${open.shape.join(", ")}]`,
    );
  const active = [...new Set(xs.filter(isUsed))];
  const further = sources.filter((x) => used.has(idOf(x) as number) && !active.includes(x));
  const inputs = [...active, ...further];
  if (active.length === 0) return xs.map(zerosLike);
  const layerName = `gradients_${++made}`;
  const model = modelFromTrace("gradients", traced, {
    name: `${layerName}_model`,
    inputs: inputs.map((x, i) => ({ id: idOf(x) as number, name: `${layerName}_input_${i}` })),
    outputs: traced.outputs,
    // Their weights are saved beside the originals, under names of their own.
    nameOf: ({ path }) => `${layerName}/${path}`,
  });
  const layer = new Gradients({ name: layerName, model, xCount: active.length });
  const results = applySymbolic(layer, [...inputs, ...knownYs]);
  return xs.map((x) => results[active.indexOf(x)] ?? zerosLike(x));
}

/** Numbers the layers, whose names must differ. */
let made = 0;

function check(xs: Symbolic[], ys: Symbolic[], knownYs: (tf.Tensor | Symbolic)[]): void {
  const odd = [...xs, ...ys].find((x) => !(x instanceof tf.SymbolicTensor));
  if (odd !== undefined)
    throw new ArgumentError(
      `gradients: expected symbolic xs and ys, or a function and tensors, got ${String(odd)}`,
    );
  if (xs.length === 0 || ys.length === 0)
    throw new ArgumentError(
      `gradients: expected at least one x and one y, got ${xs.length} and ${ys.length}`,
    );
  if (ys.length !== knownYs.length)
    throw new ArgumentError(
      `gradients: expected one knownY for each of ${ys.length} ys, got ${knownYs.length}`,
    );
  ys.forEach((y, i) => {
    const { shape } = knownYs[i] as tf.Tensor | Symbolic;
    const fits =
      shape.length === y.shape.length &&
      y.shape.every((n, k) => n === null || shape[k] === null || shape[k] === n);
    if (!fits)
      throw new ShapeError(
        `gradients: knownYs[${i}] has shape [${shape.join(", ")}], its y has [${y.shape.join(", ")}]`,
      );
  });
}

/** The input tensors that some tensors are made from. */
function inputsOf(ys: readonly Symbolic[]): Symbolic[] {
  const seen = new Set<Symbolic>();
  const found: Symbolic[] = [];
  const waiting = [...ys];
  for (let y = waiting.pop(); y !== undefined; y = waiting.pop()) {
    if (seen.has(y)) continue;
    seen.add(y);
    const { inputTensors, inboundLayers } = sourceOf(y).node;
    if (inboundLayers.length === 0) found.push(y);
    else waiting.push(...inputTensors);
  }
  return found;
}

/** What an x gets that no y depends on. */
function zerosLike(x: Symbolic): Symbolic {
  return applySymbolic(new ZerosLike({}), [x])[0] as Symbolic;
}
