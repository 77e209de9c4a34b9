import * as tf from "@tensorflow/tfjs";
import { parseEquation } from "../einsum.js";
import { gradientOf } from "./registry.js";

/**
 * tf.einsum, for which tfjs has no gradient: the einsum of dy and the other operand, with what an operand alone sums over
 * spread again.
 */
export const einsum: tf.GradConfig = {
  ...gradientOf<{ equation: string }>("Einsum", {}, (dy, saved, { equation }) => {
    const { operands, result } = parseEquation(equation, saved.length);
    const gradients = saved.map((x, i) => () => {
      const own = operands[i] as string;
      const others = operands.filter((_, k) => k !== i);
      const tensors = saved.filter((_, k) => k !== i);
      // Axes that only this operand has, and the result has not, take the same gradient all along.
      const reached = [...own]
        .filter((axis) => [result, ...others].some((axes) => axes.includes(axis)))
        .join("");
      const partial = tf.einsum(`${[result, ...others].join(",")}->${reached}`, dy, ...tensors);
      const open = x.shape.map((n, axis) => (reached.includes(own[axis] as string) ? n : 1));
      return tf.broadcastTo(tf.reshape(partial, open), x.shape);
    });
    // The operands are a list: tfjs names them by their number.
    return Object.fromEntries(gradients.map((gradient, i) => [String(i), gradient]));
  }),
  saveAllInputs: true,
};
