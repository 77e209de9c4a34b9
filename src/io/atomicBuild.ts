import * as tf from "@tensorflow/tfjs";

function variables(): tf.Variable[] {
  return Object.values(tf.engine().registeredVariables);
}

/**
 * Runs `build`, which makes a model; where it throws, the variables and tensors that it made are disposed.
 *
 * @param kept the tensors of the model that are no variables
 */
export function buildOrNothing<T>(build: () => T, kept: (model: T) => tf.Tensor[] = () => []): T {
  const before = new Set(variables());
  let made: { model: T } | undefined;
  try {
    // Inside tidy, so that tensors go too; variables stay.
    tf.tidy(() => {
      made = { model: build() };
      return kept(made.model);
    });
    return (made as unknown as { model: T }).model;
  } catch (error) {
    // Whatever was built is not reachable yet, but its weights are registered. Nothing else ran meanwhile.
    for (const variable of variables()) if (!before.has(variable)) variable.dispose();
    throw error;
  }
}
