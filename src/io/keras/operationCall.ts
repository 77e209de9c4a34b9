import { type Layer, layerFromConfig } from "../../layers/internals.js";
import { type OperationArgument, operationConfig } from "../../layers/Operation.js";
import { isRecord, shown } from "./checks.js";
import type { CallSpec, CallValue, LayerSpec } from "./modelSpec.js";
import { operationName, ownArguments, unsupportedOperation } from "./operationSpec.js";

/** The layer of a bare operation. @param unsupported makes the error of what cannot be done */
export function operationLayer(spec: LayerSpec, unsupported: (what: string) => Error): Layer {
  const { name } = spec;
  const why = unsupportedOperation(spec);
  if (why !== null) throw unsupported(why);
  const [call] = spec.calls as [CallSpec];
  let count = 0;
  const convert = (value: CallValue): OperationArgument => {
    if (Array.isArray(value)) return value.map(convert);
    if (typeof value !== "object" || value === null) return value;
    if ("ref" in value) return { input: count++ };
    if (value.class_name === "__slice__" && isRecord(value.config)) {
      const { start, stop, step } = value.config as Record<string, number | null>;
      return { slice: [start ?? null, stop ?? null, step ?? null] };
    }
    // Of Keras 2, which writes a slice so.
    const keys = Object.keys(value).sort();
    if (String(keys) === "start,step,stop") {
      const { start, stop, step } = value as Record<string, number | null>;
      return { slice: [start ?? null, stop ?? null, step ?? null] };
    }
    if (value.class_name === "__ellipsis__") return { ellipsis: true };
    if (value.class_name === "__numpy__" || value.class_name === "__tensor__") {
      const { value: data, dtype } = isRecord(value.config) ? value.config : { value: null, dtype: null };
      const kind = /^float(32|64)$/.test(String(dtype))
        ? "float32"
        : dtype === "bool"
          ? "bool"
          : /int/.test(String(dtype))
            ? "int32"
            : null;
      if ((typeof data === "number" || Array.isArray(data)) && kind !== null)
        return { constant: data as OperationArgument, dtype: kind };
    }
    throw unsupported(`its argument ${shown(value)} is not supported`);
  };
  const args = call.args.map(convert);
  const kwargs = Object.fromEntries([
    ...ownArguments(spec).map(([key, value]) => [key, convert(value as CallValue)]),
    ...Object.entries(call.kwargs)
      .filter(([key]) => key !== "name")
      .map(([key, value]) => [key, convert(value)]),
  ]);
  return layerFromConfig("Operation", operationConfig(name, operationName(spec), args, kwargs));
}
