import * as tf from "@tensorflow/tfjs";
import { GraphError } from "../errors.js";
import { distinct, inputLike } from "./applied.js";
import { type ReplayOptions, replay } from "./replay.js";
import { needed, type Trace, type TraceTensor } from "./trace.js";

export interface ModelFromTraceOptions extends ReplayOptions {
  readonly name: string;
  /** Ids of the tensors that become the new model's inputs, with their names. */
  readonly inputs: readonly { readonly id: number; readonly name: string }[];
  /** Ids of the tensors that become its outputs. */
  readonly outputs: readonly number[];
  /** What becomes of inputs that the outputs do not need: they are refused (default), left out, or stay inputs. */
  readonly unusedInputs?: "refuse" | "leave out" | "keep";
}

/**
 * A flat model of a part of a trace, on copies of the layers that share their weights; layers of nested models are called
 * by their paths.
 *
 * @throws GraphError where the outputs need an input of the trace that is not among `inputs`, or do not need one that is;
 *   UnsupportedLayerError for a layer that cannot be copied. Nothing is kept then.
 */
export function modelFromTrace(who: string, traced: Trace, options: ModelFromTraceOptions): tf.LayersModel {
  const { name, outputs, replace, nameOf, unusedInputs = "refuse" } = options;
  const ids = new Set(options.inputs.map(({ id }) => id));
  const nodes = needed(traced.nodes, outputs, ids);
  const used = new Set([...nodes.flatMap((node) => node.inputs), ...outputs]);
  const made = new Set([...nodes.flatMap((node) => node.outputs), ...ids]);
  const inputs = options.inputs.filter(({ id }) => used.has(id) || unusedInputs !== "leave out");
  const missing = traced.inputs.findIndex((id) => used.has(id) && !made.has(id));
  if (missing >= 0) {
    throw new GraphError(
      `${who}: what is asked for needs the input "${traced.inputLayers[missing]?.name}" too, which is not among ` +
        `${inputs.map((input) => `"${input.name}"`).join(", ")}`,
    );
  }
  const unused = inputs.find(({ id }) => !used.has(id));
  if (unused !== undefined && unusedInputs === "refuse")
    throw new GraphError(`${who}: what is asked for does not depend on "${unused.name}"`);
  const given = new Map(
    inputs.map((input) => [input.id, inputLike(traced.tensors[input.id] as TraceTensor, input.name)]),
  );
  const { tensors, discard, names } = replay(who, nodes, given, {
    ...(replace === undefined ? {} : { replace }),
    ...(nameOf === undefined ? {} : { nameOf }),
  });
  try {
    return tf.model({
      name,
      inputs: inputs.map(({ id }) => given.get(id) as tf.SymbolicTensor),
      outputs: distinct(
        outputs.map((id) => tensors.get(id) as tf.SymbolicTensor),
        names,
      ),
    });
  } catch (error) {
    discard();
    throw error;
  }
}
