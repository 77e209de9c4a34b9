/** What a bare operation in a configuration asks for, and whether it can be done: known without building it. */
import { operations } from "../../layers/operations.js";
import { isRecord, type Json, shown } from "./checks.js";
import type { LayerSpec } from "./modelSpec.js";

/** The arguments that an operation's own configuration has. */
export function ownArguments({ config, className }: LayerSpec): [string, Json][] {
  const takes = operations[className]?.takes ?? [];
  return Object.entries(config).filter(([key]) => {
    if (takes.includes(key)) return true;
    return !["name", "trainable", "dtype"].includes(key);
  });
}

/** Why an operation is refused, or null. */
export function unsupportedOperation(spec: LayerSpec): string | null {
  const rule = Object.hasOwn(operations, spec.className) ? operations[spec.className] : undefined;
  if (rule === undefined) return "this operation is not supported";
  for (const { args, kwargs } of spec.calls) {
    if (args.length > rule.takes.length) {
      return `it takes ${rule.takes.length} arguments, and is given ${args.length}`;
    }
    for (const [key, value] of [...ownArguments(spec), ...Object.entries(kwargs)]) {
      const atRest =
        value === null || value === false || (isRecord(value) && Object.keys(value).length === 0);
      if (!rule.takes.includes(key) && !atRest)
        return `its argument ${key} = ${shown(value)} is not supported`;
    }
  }
  return null;
}
