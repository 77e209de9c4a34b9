import { UnsupportedLayerError } from "../../errors.js";
import type { InspectedLayer } from "../inspectModel.js";
import { isRecord, type JsonRecord } from "./checks.js";
import { type ConvertContext, convertLayer } from "./convertLayer.js";
import { classNameOf, type ModelSpec } from "./modelSpec.js";
import { unsupportedOperation } from "./operationSpec.js";
import { WrongOption } from "./optionKinds.js";
import type { ModelWeights } from "./weights.js";

/** What there is to say of the layers of a model of Keras, those of nested models behind the names of these. */
export function inspected(
  spec: ModelSpec,
  weights: ModelWeights,
  prefix: string,
  version: Pick<ConvertContext, "keras" | "version">,
): InspectedLayer[] {
  return spec.layers.flatMap((layer): InspectedLayer[] => {
    const path = prefix + layer.savedName;
    if (layer.model !== null) return inspected(layer.model, weights.inside(layer), `${path}/`, version);
    const { className } = layer;
    const unsupported =
      layer.kind === "operation"
        ? unsupportedOperation(layer)
        : whyNot(className, layer.name, layer.config, version);
    const shapes = layer.kind === "layer" ? weights.of(layer).map(({ shape }) => shape) : [];
    return [{ path, className, weights: shapes, unsupported }];
  });
}

function whyNot(
  className: string,
  name: string,
  config: JsonRecord,
  version: Pick<ConvertContext, "keras" | "version">,
): string | null {
  if (className === "InputLayer") return null;
  if (className === "Bidirectional" || className === "TimeDistributed") {
    const inner = config.layer;
    if (!isRecord(inner) || !isRecord(inner.config)) return "it holds no layer";
    return whyNot(classNameOf(inner, name), name, inner.config, version);
  }
  const context = {
    ...version,
    callOptions: {},
    roles: [],
    rank: null,
    inputShape: null,
    isolated: false,
    masked: false,
    wrapped: false,
  };
  try {
    convertLayer(className, name, config, context);
    return null;
  } catch (error) {
    if (error instanceof WrongOption) return error.message;
    if (!(error instanceof UnsupportedLayerError)) throw error;
    return error.message.replace(/^layer [^:]*: /, "");
  }
}
