import { readFileSync } from "node:fs";
import { type RecordedTensor, referencePath } from "./reference.js";

/** A case of the operations recorded with TensorFlow. */
export interface OpCase {
  id: string;
  op: string;
  kind: string;
  args: Record<string, unknown>;
  inputs: Record<string, RecordedTensor>;
  outputs?: Record<string, RecordedTensor | null>;
  raises?: { message: string };
  outputs_if_supported?: Record<string, RecordedTensor>;
  compare?: "bits" | "equal" | "close";
  atol?: number;
  rtol?: number;
}

/** All cases, or none where the reference data is not there. */
export function recordedOps(): OpCase[] {
  const path = referencePath("ops_dev.jsonl");
  if (path === null) return [];
  const lines = readFileSync(path, "utf8").trim().split("\n");
  return lines.map((line) => JSON.parse(line) as OpCase);
}
