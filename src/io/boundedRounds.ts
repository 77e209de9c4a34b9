import { ModelFormatError } from "../errors.js";
import { isRecord, shown } from "./keras/checks.js";

/**
 * Lets TensorFlow.js build the model of a configuration, in camel case, in as many rounds through its layers as there may be,
 * and no more: it goes through them until all calls are made, which is for ever where one waits for what never comes.
 */
export function boundRounds(config: unknown): void {
  if (!isRecord(config) || !Array.isArray(config.layers)) return;
  const layers: unknown[] = config.layers;
  let calls = 0;
  for (const layer of layers) {
    if (!isRecord(layer)) continue;
    if (Array.isArray(layer.inboundNodes)) calls += layer.inboundNodes.length;
    checkInitializers(layer.config, String(layer.name ?? (isRecord(layer.config) ? layer.config.name : "")));
    boundRounds(layer.config);
    // What a wrapper holds.
    if (isRecord(layer.config) && isRecord(layer.config.layer)) boundRounds(layer.config.layer.config);
  }
  // One to make the layers, one at most a call, and those with which others look at them.
  let left = calls + 16;
  Object.defineProperty(layers, Symbol.iterator, {
    value: () => {
      if (left-- === 0) {
        throw new ModelFormatError(
          `the layers of ${String(config.name)} wait for each other, or for one that is not there`,
        );
      }
      return layers.values();
    },
  });
}

/** TensorFlow.js draws until a number is near enough to the mean, which none is where one of the two is no number. */
function checkInitializers(config: unknown, layer: string): void {
  if (!isRecord(config)) return;
  for (const [key, value] of Object.entries(config)) {
    if (!/initializer$/i.test(key) || !isRecord(value) || !isRecord(value.config)) continue;
    for (const name of ["scale", "mean", "stddev"]) {
      const given = value.config[name] ?? 0;
      if (typeof given !== "number")
        throw new ModelFormatError(
          `layer ${layer}: expected ${name} of its ${key} to be a number, got ${shown(given)}`,
        );
    }
  }
}
