import { type LayerSpec, type ModelSpec, withRefs } from "./modelSpec.js";

/** What tfjs takes as the name of a layer; Keras takes all but slashes. */
const VALID = /^[A-Za-z0-9][-\w./]*$/;

/** A model whose layers have names that tfjs takes: `my input` becomes `my_input`, or `my_input_1` where that is taken. */
export function withValidNames(model: ModelSpec): ModelSpec {
  const renamed = new Map<string, string>();
  const taken = new Set(model.layers.map(({ name }) => name));
  for (const { name } of model.layers) {
    if (VALID.test(name)) continue;
    const free = unused(validName(name), taken);
    taken.add(free);
    renamed.set(name, free);
  }
  if (renamed.size === 0) return model;
  const nameOf = (name: string) => renamed.get(name) ?? name;
  const layers = model.layers.map((layer): LayerSpec => {
    const name = nameOf(layer.name);
    return {
      ...layer,
      name,
      model: layer.kind === "model" && layer.model ? { ...layer.model, name } : layer.model,
    };
  });
  return withRefs({ ...model, layers }, (ref) => ({ ...ref, layer: nameOf(ref.layer) }));
}

/** The nearest name that tfjs takes. */
export function validName(name: string): string {
  if (VALID.test(name)) return name;
  return name.replace(/[^-\w./]+/g, "_").replace(/^[^A-Za-z0-9]+/, "") || "layer";
}

function unused(name: string, taken: ReadonlySet<string>): string {
  let free = name;
  for (let n = 1; taken.has(free); n++) free = `${name}_${n}`;
  return free;
}
