/** What attention is made of: projections, a product of query and key, a softmax, a product with the values. */
import * as tf from "@tensorflow/tfjs";
import { type AttentionRole, byRole, Heads, PlainAttention } from "../layers/attentionParts.js";
import { layerFromConfig } from "../layers/internals.js";
import { type LayerCall, type Link, SOFTMAX, Wiring } from "./layerCall.js";
import { productLinks } from "./operationLinks.js";

/** The links of a layer of attention or of a product of two tensors; null for other layers. */
export function attentionLinks(call: LayerCall): Link[] | null {
  const { layer } = call;
  if (layer instanceof Heads) return headsLinks(call, layer);
  if (layer instanceof PlainAttention) return plainLinks(call, layer);
  if (layer.getClassName() === "Dot") return dotLinks(call);
  return layer.getClassName() === "Operation" ? productLinks(call) : null;
}

/** A Dot layer: a product, of vectors that may be made of length 1 first. */
function dotLinks(call: LayerCall): Link[] {
  const { axes, normalize } = call.config as { axes: number | [number, number]; normalize: boolean };
  // With a name: without one TensorFlow.js would number the user's next layers otherwise.
  const product = normalize
    ? layerFromConfig("Dot", { name: call.layer.name, axes, normalize: false })
    : call.layer;
  const apply = (a: tf.Tensor, b: tf.Tensor) => product.apply([a, b]) as tf.Tensor;
  if (!normalize) return [{ kind: "bilinear", apply }];
  const wiring = new Wiring(call);
  const places = [axes].flat();
  const units = [0, 1].map((i) => {
    const axis = places[i] ?? (places[0] as number);
    return wiring.add({ kind: "activation", activation: "unitnormalization", apply: unit(axis) }, i);
  });
  wiring.add({ kind: "bilinear", apply }, ...units);
  return wiring.links;
}

/** As tfjs's Dot makes vectors of length 1: x / sqrt(max(sum x², 1e-7)). */
function unit(axis: number): (x: tf.Tensor) => tf.Tensor {
  return (x) => tf.div(x, tf.sqrt(tf.maximum(tf.sum(tf.square(x), axis, true), 1e-7)));
}

/** The places of query, key, value and of all the inputs. */
function placesOf(roles: readonly AttentionRole[]) {
  const all = roles.map((_, place) => place);
  return { ...byRole(roles, all), all };
}

function headsLinks(call: LayerCall, layer: Heads): Link[] {
  const { query, key, value, all } = placesOf(layer.roles);
  const wiring = new Wiring(call);
  const dense = (name: "query" | "key" | "value" | "gate" | "attention_output"): Link => {
    const projection = layer.dense(name) as NonNullable<ReturnType<Heads["dense"]>>;
    return {
      kind: "dense",
      weights: { kernels: () => [projection.kernel()], bias: () => projection.bias() },
    };
  };
  const part = (name: "query" | "key" | "value", from: number) =>
    wiring.chain([dense(name), { kind: "move", apply: (x: tf.Tensor) => layer.apart(name, x) }], from);
  const q = part("query", query);
  const k = part("key", key);
  const scores = wiring.add({ kind: "bilinear", apply: (a, b) => layer.scores(a, b) }, q, k);
  const weights = wiring.add(weighing(layer), scores, ...all);
  const v = part("value", value);
  let heads = wiring.add(
    {
      kind: "bilinear",
      carried: 2,
      apply: (a, b, x) => layer.together(layer.weighted(a, b), (x as tf.Tensor).shape),
    },
    weights,
    v,
    query,
  );
  if (layer.dense("gate") !== null) {
    const gate = wiring.chain(
      [dense("gate"), { kind: "activation", activation: "sigmoid", apply: (z) => tf.sigmoid(z) }],
      query,
    );
    heads = wiring.add({ kind: "multiply" }, heads, gate);
  }
  const y = wiring.add(dense("attention_output"), heads);
  return given(call, wiring, y, weights);
}

/** The softmax of scores under the masks that the call's inputs make. */
function weighing(layer: Heads | PlainAttention): Link {
  const apply = (z: tf.Tensor, ...inputs: tf.Tensor[]) => layer.probabilities(z, inputs);
  return { ...SOFTMAX, carried: 1, apply };
}

function plainLinks(call: LayerCall, layer: PlainAttention): Link[] {
  const { query, key, value, all } = placesOf(layer.roles);
  const wiring = new Wiring(call);
  const scores =
    layer.additive() === null
      ? wiring.add({ kind: "bilinear", apply: (a, b) => layer.scores(a, b) }, query, key)
      : additiveScores(wiring, layer, query, key);
  const weights = wiring.add(weighing(layer), scores, ...all);
  const y = wiring.add(
    { kind: "bilinear", carried: 2, apply: (a, b, ...inputs) => layer.weighted(a, b, inputs) },
    weights,
    value,
    ...all,
  );
  return given(call, wiring, y, weights);
}

/** sum(after tanh(before (query + key))) */
function additiveScores(wiring: Wiring, layer: PlainAttention, query: number, key: number): number {
  const factor = (which: "before" | "after") => layer.additive()?.[which] ?? tf.scalar(1);
  const q = wiring.add({ kind: "move", apply: (x) => tf.expandDims(x, 2) }, query);
  const k = wiring.add({ kind: "move", apply: (x) => tf.expandDims(x, 1) }, key);
  const sum = wiring.add({ kind: "add", factors: [1, 1] }, q, k);
  const weights = { kernels: () => [factor("before")], bias: () => null };
  return wiring.chain(
    [
      { kind: "scale", weights, channelsLast: true },
      { kind: "activation", activation: "tanh", apply: (z) => tf.tanh(z) },
      { kind: "sum", apply: (x) => tf.sum(tf.mul(x, factor("after")), -1) },
    ],
    sum,
  );
}

/** The links with the call's outputs named: what attention gives, and its weights where they are asked for. */
function given({ node }: LayerCall, wiring: Wiring, y: number, weights: number): Link[] {
  wiring.give(y, 0);
  if (node.outputs.length > 1) wiring.give(weights, 1);
  return wiring.links;
}
