/** What a bare operation in a configuration asks for, and whether it can be done: known without building it. */

import { functionName } from "../../layers/operations/tensorflow.js";
import { operations } from "../../layers/operations.js";
import { isRecord, type Json, shown } from "./checks.js";
import { callsFunction, type LayerSpec } from "./modelSpec.js";

/** The name of what it does, in the table of operations. */
export function operationName({ className, config }: LayerSpec): string {
  return callsFunction(className) ? functionName(String(config.function)) : className;
}

/** The arguments that an operation's own configuration has. */
export function ownArguments(spec: LayerSpec): [string, Json][] {
  const { className, config } = spec;
  if (callsFunction(className)) return [];
  const takes = operations[className]?.takes ?? [];
  return Object.entries(config).filter(([key]) => {
    if (takes.includes(key)) return true;
    return !["name", "trainable", "dtype"].includes(key);
  });
}

/** Why an operation is refused, or null. */
export function unsupportedOperation(spec: LayerSpec): string | null {
  const name = operationName(spec);
  const rule = Object.hasOwn(operations, name) ? operations[name] : undefined;
  if (rule === undefined) {
    return callsFunction(spec.className)
      ? `its function ${shown(spec.config.function ?? null)} is not supported`
      : "this operation is not supported";
  }
  for (const { args, kwargs } of spec.calls) {
    if (args.length > rule.takes.length) {
      return `it takes ${rule.takes.length} arguments, and is given ${args.length}`;
    }
    for (const [key, value] of [...ownArguments(spec), ...Object.entries(kwargs)]) {
      const atRest =
        value === null || value === false || (isRecord(value) && Object.keys(value).length === 0);
      if (!rule.takes.includes(key) && !atRest && key !== "name")
        return `its argument ${key} = ${shown(value)} is not supported`;
    }
  }
  return null;
}
