import type { Program } from "./steps.js";

/** The tensors through which all that reaches the output passes, the output not among them. */
export function bottlenecks({ steps, inputs, outputs }: Program): Set<number> {
  const lastUse = new Map<number, number>();
  steps.forEach((step, at) => {
    for (const id of step.inputs) lastUse.set(id, at);
  });
  const live = new Set(inputs.filter((id) => lastUse.has(id)));
  const found = new Set<number>();
  if (live.size === 1) for (const id of live) found.add(id);
  steps.forEach((step, at) => {
    for (const id of step.inputs) if ((lastUse.get(id) as number) <= at) live.delete(id);
    for (const id of step.outputs) if (lastUse.has(id)) live.add(id);
    if (live.size === 1) for (const id of live) found.add(id);
  });
  for (const id of outputs) found.delete(id);
  return found;
}
