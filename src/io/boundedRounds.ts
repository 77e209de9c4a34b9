import { ModelFormatError } from "../errors.js";
import { isRecord } from "./keras/checks.js";

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
