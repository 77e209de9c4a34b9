import * as tf from "@tensorflow/tfjs";

/** tfjs's own gradients that ours stand in for, by kernel name; null where there was none. */
const originals = new Map<string, tf.GradConfig | null>();

type Gradients = Record<string, () => tf.Tensor>;

/** A gradient of a tfjs kernel: for each input a function that computes its gradient. */
export function gradientOf<Attributes extends object>(
  kernelName: string,
  save: Pick<tf.GradConfig, "inputsToSave" | "outputsToSave">,
  gradFunc: (dy: tf.Tensor, saved: tf.Tensor[], attributes: Attributes) => Gradients,
): tf.GradConfig {
  return {
    kernelName,
    ...save,
    gradFunc: (dy, saved, attributes) =>
      gradFunc(dy as tf.Tensor, saved, attributes as unknown as Attributes) as ReturnType<
        tf.GradConfig["gradFunc"]
      >,
  };
}

/** What tfjs itself computes, for the backends that have no kernel of ours. */
export function stockGradient(
  kernelName: string,
  dy: tf.Tensor,
  saved: tf.Tensor[],
  attributes: object,
): Gradients {
  const { gradFunc } = (originals.get(kernelName) ?? tf.getGradient(kernelName)) as tf.GradConfig;
  return gradFunc(dy, saved, attributes as tf.NamedAttrMap) as unknown as Gradients;
}

export function registerGradients(configs: readonly tf.GradConfig[]): void {
  for (const config of configs) {
    const original = (tf.getGradient(config.kernelName) as tf.GradConfig | undefined) ?? null;
    originals.set(config.kernelName, original);
    if (original !== null) tf.unregisterGradient(config.kernelName);
    tf.registerGradient(config);
  }
}

export function restoreGradients(): void {
  for (const [kernelName, original] of originals) {
    tf.unregisterGradient(kernelName);
    if (original !== null) tf.registerGradient(original);
  }
  originals.clear();
}

/** dy summed over the axes along which an operand of this shape was broadcast. */
export function sumTo(dy: tf.Tensor, shape: readonly number[]): tf.Tensor {
  const axes = tf.broadcast_util.getReductionAxes([...shape], dy.shape);
  return tf.reshape(axes.length > 0 ? tf.sum(dy, axes) : dy, [...shape]);
}
