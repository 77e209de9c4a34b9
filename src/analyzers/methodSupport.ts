import type * as tf from "@tensorflow/tfjs";
import { ArgumentError } from "../errors.js";
import { type Trace, type TraceNode, trace } from "../graph/trace.js";
import { CONVOLUTIONS, lower, type Program, type Step } from "../reverse/index.js";
import { refusalsOf } from "../rules/index.js";
import { lastMap } from "./activationMaps.js";
import { ALTERNATIVES, chosenMethod } from "./createAnalyzer.js";
import type { Method } from "./method.js";

/** Whether a method can pass one call of a layer. */
export interface NodeSupport {
  /** The call's number in the execution trace. */
  readonly nid: number;
  readonly supported: boolean;
  /** Why not, where it cannot. */
  readonly reason: string | null;
}

const WHO = "methodSupport";

/**
 * Whether a method can pass each call of a model's trace, and why not. Nothing is computed.
 *
 * @param name one of `listAnalyzers()`
 * @param options of the method
 * @returns one entry for each node of `getModelExecutionTrace(model)`
 * @throws ArgumentError for an unknown method or option, or what is no layers model; GraphError for a model that was never
 *   built; DisposedError
 * @example methodSupport("lrp.z", model).filter(({ supported }) => !supported)
 */
export function methodSupport(name: string, model: tf.LayersModel, options: object = {}): NodeSupport[] {
  const { method, values } = chosenMethod(name, options);
  const traced = trace(model, WHO);
  // What cannot even be taken apart; then the rules of the rest.
  const apart = new Map<TraceNode, string>();
  const program = lower(WHO, traced, {
    ...method.lowering,
    refused: (node, { message }) => apart.set(node, message.replace(/^.*? \(\w+\) /, "")),
  });
  const stopAt = new Set(stopsOf(traced, program, method, values.stopAt as string | null));
  // A method that only looks at the input asks no layer.
  const refusals =
    method.signal === undefined
      ? refusalsOf(method.composite, program, model, {
          alternatives: ALTERNATIVES,
          canStop: method.map === undefined,
          stopAt,
        })
      : program.steps.map(() => null);
  const misled = method.misledBySoftmax !== false && values.disableModelChecks !== true;
  return traced.nodes.map((node, nid) => {
    // What lies in a wrapper has a node of its own, with the wrapper's outputs.
    const own = (step: Step) => step.node.outputs === node.outputs;
    const steps = program.steps.flatMap((step, at) => (own(step) ? [{ step, refusal: refusals[at] }] : []));
    const softmax = steps.some(
      ({ step }) => step.kind === "softmax" && step.outputs.some((id) => program.outputs.includes(id)),
    );
    const reason =
      misled && softmax
        ? "is a softmax, which mixes every class into the one to explain: explain modelWoSoftmax(model)"
        : (apart.get(node) ?? steps.find(({ refusal }) => refusal != null)?.refusal ?? null);
    return { nid, supported: reason === null, reason };
  });
}

/** The tensors at which relevance stops: those of the option, or those that a map is made of. */
function stopsOf(traced: Trace, program: Program, { map }: Method, stopAt: string | null): number[] {
  const only = map !== undefined && !map.guided ? map : null;
  const name = only === null ? stopAt : only.layer;
  if (name === null) {
    const convolves = program.steps.some(({ kind }) => (CONVOLUTIONS as readonly string[]).includes(kind));
    return only !== null && convolves ? [lastMap(WHO, program)] : [];
  }
  const found = traced.nodes.filter(({ path, layer }) => path === name || layer.name === name);
  const isInput = traced.inputLayers.some((layer) => layer?.name === name);
  if (found.length === 0 && !isInput)
    throw new ArgumentError(`${WHO}: ${only === null ? "stopAt" : "layer"}: no layer "${name}"`);
  return found.map(({ outputs }) => outputs[0] as number);
}
