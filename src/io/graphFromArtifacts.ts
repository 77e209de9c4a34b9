import * as tf from "@tensorflow/tfjs";
import { ModelFormatError } from "../errors.js";
import { buildOrNothing } from "./atomicBuild.js";
import type { JsonRecord } from "./keras/checks.js";
import { reasonOf } from "./saying.js";

/** A graph model as files hold it: its operations, and its weights. */
export interface GraphArtifacts {
  readonly modelTopology: JsonRecord;
  /** The names, shapes and dtypes of its inputs and outputs. */
  readonly signature?: unknown;
  readonly userDefinedMetadata?: unknown;
  readonly weightSpecs: tf.io.WeightsManifestEntry[];
  readonly weightData: ArrayBuffer;
}

/** Whether a topology is one of operations, and not of layers. */
export function isGraph(topology: JsonRecord): boolean {
  return Array.isArray(topology.node);
}

/**
 * Builds a graph model, leaving nothing allocated when that fails.
 *
 * @throws ModelFormatError with what TensorFlow.js said
 */
export async function graphFromArtifacts(artifacts: GraphArtifacts): Promise<tf.GraphModel> {
  const given = { format: "graph-model", ...artifacts } as unknown as tf.io.ModelArtifacts;
  try {
    return buildOrNothing(
      () => tf.loadGraphModelSync(given) as unknown as tf.GraphModel,
      // What is in no variable, and stays.
      ({ weights }) => Object.values(weights).flat(),
    );
  } catch (error) {
    const message = reasonOf(error);
    throw new ModelFormatError(`TensorFlow.js cannot build the graph: ${message}`, { cause: error });
  }
}
