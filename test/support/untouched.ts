import type * as tf from "@tensorflow/tfjs";
import * as assert from "uvu/assert";
import { isContainer, type Layer } from "../../src/layers/internals.js";

/** What must not change on a model of a user's: its config, the recorded calls of its layers, its weights. */
function stateOf(model: tf.LayersModel): unknown {
  const layers: Layer[] = [];
  const collect = (inner: Layer) => {
    layers.push(inner);
    if (isContainer(inner)) for (const layer of (inner as unknown as tf.LayersModel).layers) collect(layer);
  };
  collect(model);
  return {
    config: JSON.stringify(model.toJSON(null, false)),
    calls: layers.map((layer) => [
      layer.name,
      layer.inboundNodes.map(({ id }) => id),
      layer.outboundNodes.map(({ id }) => id),
    ]),
    owners: layers.map((layer) => (layer as unknown as { _refCount: number | null })._refCount),
    weights: model.weights.map((weight) => [weight.originalName, [...weight.read().dataSync()]]),
  };
}

/** Runs `fn`, which must free what it makes, and asserts that the model is afterwards as it was before. */
export function untouched<T>(model: tf.LayersModel, fn: () => T): T {
  const before = stateOf(model);
  const result = fn();
  assert.equal(stateOf(model), before, `the model "${model.name}" was changed`);
  return result;
}
