/** How the layers of attention are called: what each tensor is, and the masks that come with them. */
import type { Made, MaskMaker } from "./handedMasks.js";
import { type CallSpec, type CallValue, type LayerSpec, refsIn, type TensorRef } from "./modelSpec.js";

/** Layers whose masks are inputs by themselves. */
export const ATTENTION = new Set([
  "MultiHeadAttention",
  "GroupQueryAttention",
  "GroupedQueryAttention",
  "Attention",
  "AdditiveAttention",
]);
/** What is no tensor in their calls. */
export const ATTENTION_OPTIONS = ["use_causal_mask", "return_attention_scores"];

/** The masks that an attention layer finds with its inputs, of those that its call does not name. */
export function foundMasks(
  roles: readonly string[],
  inputs: readonly Made[],
): { role: string; mask: MaskMaker }[] {
  return roles.flatMap((role, i) => {
    const mask = ["query", "value", "key"].includes(role) ? (inputs[i]?.mask ?? null) : null;
    return mask === null || roles.includes(`${role}Mask`) ? [] : [{ role: `${role}Mask`, mask }];
  });
}

/** What the tensors of an attention layer's call are. */
export function rolesOf(
  layer: LayerSpec,
  { args, kwargs }: CallSpec,
): { roles: string[]; refs: TensorRef[] } {
  const heads = layer.className !== "Attention" && layer.className !== "AdditiveAttention";
  const found: [string, TensorRef][] = [];
  const add = (role: string, value: CallValue | undefined) => {
    const [ref] = refsIn(value ?? null);
    if (ref !== undefined) found.push([role, ref]);
  };
  if (heads) {
    const order = ["query", "value", "key", "query_mask", "value_mask", "key_mask", "attention_mask"];
    for (const [i, name] of order.entries()) add(roleName(name), args[i] ?? kwargs[name]);
  } else {
    const [inputs = kwargs.inputs] = args;
    const list = Array.isArray(inputs) ? inputs : args;
    for (const [i, name] of ["query", "value", "key"].entries()) add(name, list[i]);
    const masks = args[1] !== undefined && Array.isArray(inputs) ? args[1] : kwargs.mask;
    if (Array.isArray(masks))
      for (const [i, name] of ["queryMask", "valueMask"].entries()) add(name, masks[i]);
  }
  return { roles: found.map(([role]) => role), refs: found.map(([, ref]) => ref) };
}

function roleName(name: string): string {
  return name.replace(/_m/, "M");
}
