import type * as tf from "@tensorflow/tfjs";
import { TracelightError } from "../errors.js";
import { modelFromTrace } from "../graph/modelFromTrace.js";
import { type Trace, type TraceNode, trace } from "../graph/trace.js";
import { createAnalyzer } from "./createAnalyzer.js";

/** Whether a method can pass one call of a layer. */
export interface NodeSupport {
  /** The call's number in the execution trace. */
  readonly nid: number;
  readonly supported: boolean;
  /** Why not, where it cannot. */
  readonly reason: string | null;
}

/**
 * Whether a method can pass each call of a model's trace, and why not: each layer is asked alone, as a model of its own.
 *
 * @param name one of `listAnalyzers()`
 * @param options of the method
 * @returns one entry for each node of `getModelExecutionTrace(model)`
 * @throws ArgumentError for an unknown method or option, or what is no layers model; GraphError for a model that was never
 *   built; DisposedError
 * @example methodSupport("lrp.z", model).filter(({ supported }) => !supported)
 */
export function methodSupport(name: string, model: tf.LayersModel, options: object = {}): NodeSupport[] {
  const traced = trace(model, "methodSupport");
  return traced.nodes.map((node, nid) => {
    const reason = refusal(name, traced, node, options);
    return { nid, supported: reason === null, reason };
  });
}

function refusal(name: string, traced: Trace, node: TraceNode, options: object): string | null {
  try {
    const alone = modelFromTrace(
      "methodSupport",
      { ...traced, nodes: [node] },
      {
        name: node.path,
        inputs: [...new Set(node.inputs)].map((id, i) => ({ id, name: `x${i}` })),
        outputs: node.outputs.slice(0, 1),
      },
    );
    try {
      createAnalyzer(name, alone, options).dispose();
    } finally {
      alone.dispose();
    }
    return null;
  } catch (error) {
    if (!(error instanceof TracelightError) || error.code === "ARGUMENT") throw error;
    return error.message.replace(`${name}: `, "");
  }
}
