import * as tf from "@tensorflow/tfjs";
import { randomSource } from "./arrays.js";
import { withRandomWeights } from "./models.js";

type Tensor = tf.SymbolicTensor;
type Layer = tf.layers.Layer;
const l = tf.layers;

/** Every tensor has as many numbers, so that everything fits onto everything. */
export const SIZE = 3;

/**
 * A model put together at random: layers and nested models that are shared, branches, several inputs and outputs, models
 * that begin with models, tensors that go into a layer twice. Null where tfjs itself cannot run it.
 */
export function randomModel(seed: number): tf.LayersModel | null {
  const random = randomSource(seed);
  const below = (n: number) => Math.floor(random() * n);
  const pick = <T>(list: readonly T[]): T => list[below(list.length)] as T;
  let count = 0;
  const name = (kind: string) => `${kind}${seed}_${count++}`;

  const layer = (depth: number, known: Layer[]): Layer => {
    const kind = below(14);
    if (kind < 3 && known.length > 0) return pick(known);
    const made = ((): Layer => {
      if (kind < 6) {
        const activation = pick(["linear", "relu", "tanh", "softmax"] as const);
        return l.dense({ units: SIZE, activation, useBias: random() < 0.7, name: name("dense") });
      }
      if (kind < 8)
        return l.batchNormalization({ center: random() < 0.7, scale: random() < 0.7, name: name("norm") });
      if (kind === 8) return l.softmax({ name: name("softmax") });
      if (kind === 9) return l.dropout({ rate: 0.4, name: name("dropout") });
      if (depth === 0) return l.reLU({ name: name("relu") });
      return kind % 2 === 0 ? sequential(depth - 1) : functional(depth - 1);
    })();
    known.push(made);
    return made;
  };
  const sequential = (depth: number): tf.LayersModel => {
    const first =
      depth > 0 && random() < 0.4
        ? functional(depth - 1, 1, 1)
        : l.dense({ units: SIZE, inputShape: [SIZE], name: name("dense") });
    const more = Array.from({ length: 1 + below(3) }, () => layer(depth, [])).filter(
      (one) => inputsOf(one) === 1 && ((one as Partial<tf.LayersModel>).outputs?.length ?? 1) === 1,
    );
    return tf.sequential({ name: name("sequential"), layers: [first, ...more] });
  };
  const functional = (depth: number, ins = 1 + below(2), outs = 1 + below(2)): tf.LayersModel => {
    const inputs = Array.from({ length: ins }, () => tf.input({ shape: [SIZE], name: name("input") }));
    const tensors = [...inputs];
    const known: Layer[] = [];
    for (let step = 2 + below(7); step > 0; step--) {
      const merges = random() < 0.2;
      const one = merges ? pick([l.add, l.maximum])({ name: name("merge") }) : layer(depth, known);
      const xs = Array.from({ length: merges ? 2 : inputsOf(one) }, () => pick(tensors.slice(-4)));
      tensors.push(...([one.apply(xs.length === 1 ? xs[0]! : xs)].flat() as Tensor[]));
    }
    const last = l.add({ name: name("sum") }).apply([pick(tensors.slice(-3)), ...inputs]) as Tensor;
    const others = Array.from({ length: outs - 1 }, () => pick(tensors));
    return tf.model({ inputs, outputs: [...others, last], name: name("model") });
  };

  const model = random() < 0.2 ? sequential(3) : functional(3);
  withRandomWeights(model, seed);
  try {
    tf.tidy(() => void model.predict(randomInputs(model)));
    return model;
  } catch {
    return null;
  }
}

function inputsOf(layer: Layer): number {
  return (layer as Partial<tf.LayersModel>).inputs?.length ?? 1;
}

export function randomInputs(model: tf.LayersModel): tf.Tensor[] {
  return model.inputs.map((_, i) => tf.randomUniform([2, SIZE], -1, 1, "float32", 11 + i));
}
