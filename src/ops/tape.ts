import * as tf from "@tensorflow/tfjs";

interface TapeNode {
  readonly saved?: readonly (tf.Tensor | null)[];
}

/**
 * `tf.engine().gradients` that leaves nothing behind when it fails. tfjs keeps what each operation saved for its gradient
 * until the way back is done, and forgets it when an operation throws (because the backend lacks a kernel, say).
 *
 * @returns for each x its gradient, or null where y does not depend on it
 */
export function engineGradients(f: () => tf.Scalar, xs: tf.Tensor[]): (tf.Tensor | null)[] {
  const { state } = tf.engine() as unknown as { state: { activeTape?: TapeNode[] } };
  let recorded: TapeNode[] = [];
  const recording = () => {
    const start = state.activeTape?.length ?? 0;
    try {
      return f();
    } finally {
      recorded = state.activeTape?.slice(start) ?? [];
    }
  };
  try {
    return tf.engine().gradients(recording, xs, undefined, true).grads;
  } catch (error) {
    for (const tensor of recorded.flatMap((node) => node.saved ?? [])) {
      if (tensor !== null && !tensor.isDisposed) tensor.dispose();
    }
    throw error;
  }
}
