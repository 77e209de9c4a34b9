import * as tf from "@tensorflow/tfjs";

/** The most bytes that tensors took during a call, beyond what there was: looked at before each kernel. */
export function peakBytes(call: () => void): number {
  const backend = tf.getBackend();
  const before = tf.memory().numBytes;
  let peak = 0;
  const kernels = tf.getKernelsForBackend(backend);
  const replace = (kernel: tf.KernelConfig) => {
    tf.unregisterKernel(kernel.kernelName, backend);
    tf.registerKernel(kernel);
  };
  for (const kernel of kernels) {
    replace({
      ...kernel,
      kernelFunc: (run) => {
        peak = Math.max(peak, tf.memory().numBytes - before);
        return kernel.kernelFunc(run);
      },
    });
  }
  try {
    call();
  } finally {
    for (const kernel of kernels) replace(kernel);
  }
  return peak;
}

/** Bytes of all that a model's layers give for one sample. */
export function bytesOfLayers(model: tf.LayersModel): number {
  const sizes = model.layers.map(({ outputShape }) =>
    (outputShape as number[]).slice(1).reduce((product, n) => product * n, 4),
  );
  return sizes.reduce((a, b) => a + b, 0);
}
