import * as tf from "@tensorflow/tfjs";
import { show } from "../core/ndarray.js";
import { ArgumentError, ShapeError, UnsupportedLayerError } from "../errors.js";
import { type TraceNode, type TraceTensor, trace } from "../graph/trace.js";
import { bottlenecks } from "./bottlenecks.js";
import { isLinear } from "./linear.js";
import { lower } from "./lower.js";
import { type Rule, runBackward, runForward } from "./pass.js";
import { projected } from "./projected.js";
import { readInputs } from "./readInputs.js";
import type { LinearRule } from "./rule.js";
import { KERNEL_STEPS, nameOf, type Step, SUMS } from "./steps.js";

/** How the relevance of a layer's outputs becomes that of its inputs. */
export type Mapping =
  /** The vector-Jacobian product of the layer. */
  | { readonly kind: "gradient" }
  /** Unchanged; the layer's output has its input's shape. */
  | { readonly kind: "pass" }
  /** Not at all: the inputs get zeros. */
  | { readonly kind: "stop" }
  /** A rule of relevance for what the layer does with weights or sums; its activation passes. */
  | { readonly kind: "rule"; readonly rule: LinearRule }
  /** A function of the layer's inputs, outputs and their relevance: one tensor an input, of its shape. Runs in a tidy. */
  | {
      readonly kind: "custom";
      reverse(
        xs: readonly tf.Tensor[],
        ys: readonly tf.Tensor[],
        rs: readonly tf.Tensor[],
      ): tf.Tensor | tf.Tensor[];
    };

/** One call of a layer, as a mapping function sees it. */
export interface LayerCallInfo {
  readonly layer: tf.layers.Layer;
  /** The layer's name behind those of the models it lies in. */
  readonly path: string;
  /** The call's number in execution order, from 0. */
  readonly nid: number;
}

/** Mappings by class name of the layer, or a function that gives one for a call; null or nothing: the default. */
export type Mappings =
  | Readonly<Record<string, Mapping>>
  | ((call: LayerCallInfo) => Mapping | null | undefined);

export interface ReverseModelOptions {
  /** For calls without a mapping of their own. Default: the gradient. */
  defaultMapping?: Mapping;
  /** Makes of an output the relevance to start from. Default: the output itself. Runs in a tidy. */
  headMapping?: (output: tf.Tensor, index: number) => tf.Tensor;
  /** Layers at whose outputs relevance stops. */
  stopAtLayers?: readonly string[];
  /** Keeps the relevance of every layer's output: `all` of the result. Default false. */
  keepTensors?: boolean;
  /** Clips all relevance to [low, high]. */
  clip?: readonly [number, number] | null;
  /** Projects the relevance of tensors through which all of it passes: true to [-1, 1], or to [low, high]. */
  projectBottlenecks?: boolean | readonly [number, number];
}

export interface ReversedTensors {
  /** The relevance of each input, of its shape. */
  readonly inputs: tf.Tensor[];
  readonly outputs: tf.Tensor[];
  /** The relevance of layers' outputs by path (`path:1` for a second call); empty without `keepTensors`. */
  readonly all: Readonly<Record<string, tf.Tensor>>;
  dispose(): void;
}

/** A model bound to a pass back through its layers. */
export interface ReversedModel {
  /** Runs the model on x, and relevance back through it. The tensors belong to the caller. */
  run(x: tf.Tensor | tf.Tensor[]): ReversedTensors;
}

/**
 * A pass back through a model in which each layer hands relevance on by a mapping of your own: what all analyzers are made
 * of. Where a tensor feeds several layers, their relevances add up. The model is left as it is.
 *
 * @param model one with any number of inputs and outputs; nested models and shared layers are unrolled
 * @param mappings by class name, or a function of the call
 * @throws UnsupportedLayerError for a mapping by rule on a layer without weights or sums; ArgumentError for an unknown kind
 *   or a layer's name that is not there
 * @source iNNvestigate utils.keras.graph.reverse_model
 * @example
 * const reversed = reverseModel(model, { Dense: { kind: "rule", rule: epsilonRule({ epsilon: 0.1 }) } });
 * const { inputs, dispose } = reversed.run(x);
 */
export function reverseModel(
  model: tf.LayersModel,
  mappings: Mappings,
  options: ReverseModelOptions = {},
): ReversedModel {
  const who = "reverseModel";
  const { defaultMapping = { kind: "gradient" }, headMapping = (y) => y } = options;
  const traced = trace(model);
  const chosen = new Map<TraceNode, Mapping>(
    traced.nodes.map((node, nid) => {
      const { layer, path } = node;
      const own =
        typeof mappings === "function" ? mappings({ layer, path, nid }) : mappings[layer.getClassName()];
      return [node, checked(who, own ?? defaultMapping, path)];
    }),
  );
  const mappingOf = (step: Pick<Step, "node">) => chosen.get(step.node) as Mapping;
  const whole = (node: TraceNode) => ["custom", "pass"].includes(mappingOf({ node }).kind);
  const program = lower(who, traced, { whole });
  const stops = new Set(
    (options.stopAtLayers ?? []).map((name) => {
      const node = traced.nodes.find(({ path, layer }) => path === name || layer.name === name);
      if (node === undefined) throw new ArgumentError(`${who}: stopAtLayers: no layer "${name}"`);
      return node.outputs[0] as number;
    }),
  );
  const rules = program.steps.map((step): Rule | null =>
    step.outputs.some((id) => stops.has(id)) ? null : ruleOf(who, step, mappingOf(step)),
  );
  const inputs = traced.inputs.map((id, i) => {
    const { shape, dtype } = traced.tensors[id] as TraceTensor;
    return { shape, dtype, name: traced.inputLayers[i]?.name as string };
  });
  const layerTensors = namedTensors(traced.nodes);
  const narrow = bottlenecks(program);
  const change = (r: tf.Tensor, id: number) => {
    const { clip, projectBottlenecks = false } = options;
    const clipped = clip == null ? r : tf.clipByValue(r, clip[0], clip[1]);
    const projects = projectBottlenecks !== false && narrow.has(id) && r.rank > 2;
    return projects ? projected(clipped, projectBottlenecks === true ? null : projectBottlenecks) : clipped;
  };
  const run = (x: tf.Tensor | tf.Tensor[]) => {
    const xs = readInputs(who, x, inputs);
    const values = runForward(who, program, xs);
    const outputs = program.outputs.map((id) => values.get(id) as tf.Tensor);
    const head = new Map<number, tf.Tensor>();
    program.outputs.forEach((id, i) => {
      const r = headMapping(outputs[i] as tf.Tensor, i);
      if (!(r instanceof tf.Tensor) || show(r.shape) !== show(outputs[i]?.shape))
        throw new ShapeError(
          `${who}: expected headMapping to give a tensor of the output's shape ${show(outputs[i]?.shape)}, got ${r instanceof tf.Tensor ? show(r.shape) : String(r)}`,
        );
      const before = head.get(id);
      head.set(id, before === undefined ? r : tf.add(before, r));
    });
    const keep = new Set(options.keepTensors ? layerTensors.values() : []);
    const reversed = runBackward(who, program, values, head, rules, { keep, change });
    return {
      inputs: reversed.inputs.map((r) => tf.clone(r)),
      outputs: outputs.map((y) => tf.clone(y)),
      all: Object.fromEntries(
        options.keepTensors
          ? [...layerTensors].map(([name, id]) => [name, tf.clone(reversed.kept.get(id) as tf.Tensor)])
          : [],
      ) as Record<string, tf.Tensor>,
    };
  };
  return {
    run(x) {
      const result = tf.tidy(() => run(x));
      return {
        ...result,
        dispose: () => tf.dispose([...result.inputs, ...result.outputs, ...Object.values(result.all)]),
      };
    },
  };
}

const KINDS = ["gradient", "pass", "stop", "rule", "custom"];

function checked(who: string, mapping: Mapping, path: string): Mapping {
  if (typeof mapping === "object" && mapping !== null && KINDS.includes(mapping.kind)) return mapping;
  throw new ArgumentError(
    `${who}: expected the mapping of layer "${path}" to have a kind of ${KINDS.join(", ")}, got ${JSON.stringify(mapping)}`,
  );
}

function ruleOf(who: string, step: Step, mapping: Mapping): Rule {
  switch (mapping.kind) {
    case "gradient":
    case "stop":
    case "pass":
      return { kind: mapping.kind };
    case "custom":
      return {
        kind: "custom",
        reverse: (xs, ys, rs) => sameShapes(who, step, xs, mapping.reverse(xs, ys, rs)),
      };
    case "rule": {
      const weighted: readonly string[] = [...KERNEL_STEPS, "scale", ...SUMS];
      if (weighted.includes(step.kind)) return { kind: "shares", shares: mapping.rule };
      if (step.kind === "activation" || step.kind === "softmax") return { kind: "pass" };
      if (isLinear(step) || step.kind === "maxPool2d" || step.kind === "maxPool3d")
        return { kind: "gradient" };
      throw new UnsupportedLayerError(
        `${who}: ${nameOf(step)} has neither weights nor sums that a rule of relevance could go to; a gradient, pass or custom mapping can be given`,
        step.node.layer.name,
        step.node.layer.getClassName(),
      );
    }
    default:
      return mapping satisfies never;
  }
}

function sameShapes(
  who: string,
  step: Step,
  xs: readonly tf.Tensor[],
  given: tf.Tensor | tf.Tensor[],
): tf.Tensor[] {
  const list = Array.isArray(given) ? given : [given];
  const fits = list.length === xs.length && list.every((r, i) => show(r.shape) === show(xs[i]?.shape));
  if (!fits) {
    throw new ShapeError(
      `${who}: ${nameOf(step)}: expected the custom mapping to give tensors of the inputs' shapes ` +
        `${xs.map((x) => show(x.shape)).join(", ")}, got ${list.map((r) => show(r.shape)).join(", ")}`,
    );
  }
  return list;
}

/** The first output of each call by the layer's path; of a second call by `path:1`. */
function namedTensors(nodes: readonly TraceNode[]): Map<string, number> {
  const calls = new Map<string, number>();
  return new Map(
    nodes.map(({ path, outputs }) => {
      const call = calls.get(path) ?? 0;
      calls.set(path, call + 1);
      return [call === 0 ? path : `${path}:${call}`, outputs[0] as number];
    }),
  );
}
