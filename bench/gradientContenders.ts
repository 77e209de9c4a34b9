import * as tf from "@tensorflow/tfjs";
import { installKernels, uninstallKernels } from "../src/kernels/index.js";
import type { Contender } from "./harness.js";

/** A model's forward pass, and its gradient by tf.grad, with our kernels and without: where tfjs has none, that is told. */
export function gradientContenders(name: string, model: tf.LayersModel, x: tf.Tensor): Contender[] {
  const score = (input: tf.Tensor) => tf.sum(model.apply(input) as tf.Tensor);
  const gradient = () => tf.tidy(() => void tf.grad(score)(x));
  const stockThrows = throws(gradient);
  if (stockThrows) console.error(`${name}: the gradient throws on stock tfjs: ${stockThrows}`);
  return [
    { name: "forward", prepare: installKernels, run: () => tf.dispose(model.predict(x)) },
    { name: "tf.grad, our kernels", prepare: installKernels, run: gradient },
    ...(stockThrows
      ? []
      : [{ name: "tf.grad, stock", prepare: uninstallKernels, run: gradient, once: true }]),
  ];
}

/** What a call says when it throws without our kernels. */
function throws(fn: () => void): string | undefined {
  uninstallKernels();
  try {
    fn();
    return undefined;
  } catch (error) {
    return String(error);
  }
}
