import * as tf from "@tensorflow/tfjs";
import { ArgumentError, GraphError } from "../errors.js";
import { describe } from "../layers/describe.js";
import { nearestNames } from "./nearestNames.js";
import type { Trace } from "./trace.js";

/**
 * The names of a trace's calls, with the ids of what each gives: a layer's path (`"conv1"`, `"encoder/conv1"`), a nested
 * model's, or an input layer's. Of one that is called several times each call is named: `"shared:0"`, `"shared:1"`.
 */
export function namedTensors({ nodes, nested, inputLayers, inputs }: Trace): Map<string, readonly number[]> {
  // Of a nested model, what the outputs do not need is not there.
  const made = new Set([...inputs, ...nodes.flatMap((node) => node.outputs)]);
  const named = [
    ...inputLayers.map((layer, i) => ({ path: layer.name, outputs: [inputs[i] as number] })),
    ...nodes,
    ...nested
      .map(({ path, outputs }) => ({ path, outputs: outputs.filter((id) => made.has(id)) }))
      .filter(({ outputs }) => outputs.length > 0),
  ];
  const calls = new Map<string, (readonly number[])[]>();
  for (const { path, outputs } of named) calls.set(path, [...(calls.get(path) ?? []), outputs]);
  return new Map(
    [...calls].flatMap(([path, outputs]) =>
      outputs.length === 1
        ? [[path, outputs[0] as readonly number[]] as const]
        : outputs.map((ids, i) => [`${path}:${i}`, ids] as const),
    ),
  );
}

/** A tensor of a model: by the name of the layer that gives it, or the symbolic tensor itself. */
export type TensorName = string | tf.SymbolicTensor;

/**
 * The ids of what a name stands for.
 *
 * @throws GraphError for a name that the model does not have (with the nearest), for that of a layer that is called
 *   several times, and for a tensor of another model; ArgumentError for what is neither
 */
export function findTensors(who: string, model: string, traced: Trace, name: TensorName): readonly number[] {
  if (name instanceof tf.SymbolicTensor) {
    const found = traced.tensors.find(({ symbolic }) => symbolic === name);
    if (found === undefined)
      throw new GraphError(`${who}: the tensor "${name.name}" is none of the model "${model}"`);
    return [found.id];
  }
  if (typeof name !== "string") {
    throw new ArgumentError(`${who}: expected names of layers or symbolic tensors, got ${describe(name)}`);
  }
  const names = namedTensors(traced);
  const ids = names.get(name);
  if (ids !== undefined) return ids;
  if (names.has(`${name}:0`)) {
    const calls = [...names.keys()].filter((n) => n.startsWith(`${name}:`));
    throw new GraphError(
      `${who}: layer "${name}" of model "${model}" is called ${calls.length} times; name one of ${calls.map((c) => `"${c}"`).join(", ")}`,
    );
  }
  throw new GraphError(
    `${who}: the model "${model}" has no layer "${name}"; ${nearestNames(name, [...names.keys()])}`,
  );
}
