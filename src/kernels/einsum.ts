import type * as tf from "@tensorflow/tfjs";
import { sizeOf } from "../core/ndarray.js";
import { ArgumentError, DTypeError, ShapeError } from "../errors.js";
import { reshaped, type WasmBackend } from "./backend.js";
import { batchMatMul } from "./batchMatMul.js";
import { attributes, runStock, wasmKernel } from "./stock.js";
import { transpose } from "./transpose.js";

/** The axes of each operand and of the result, a letter an axis. */
export interface Equation {
  operands: string[];
  result: string;
}

/** Reads an equation as tf.einsum takes it: one or two operands, no letter twice in one, no ellipsis. */
export function parseEquation(equation: string, count: number): Equation {
  const refuse = (why: string): never => {
    throw new ArgumentError(`einsum: ${why} in equation "${equation}"`);
  };
  const [left, result, ...rest] = equation.replace(/\s/g, "").split("->");
  if (left === undefined || result === undefined || rest.length > 0) return refuse("expected one arrow");
  const operands = left.split(",");
  if (operands.length !== count || count > 2)
    return refuse(`expected ${count} operands (at most 2), got ${operands.length}`);
  for (const axes of [...operands, result]) {
    if (!/^[A-Za-z]*$/.test(axes)) return refuse("expected letters");
    if (new Set(axes).size !== axes.length) return refuse("a letter stands twice in one operand");
  }
  if ([...result].some((axis) => !left.includes(axis)))
    return refuse("a letter of the result is in no operand");
  return { operands, result };
}

/**
 * tf.einsum, which tfjs's WASM backend lacks, as one product of matrices:
 *
 *     [batch, rows, inner] . [batch, columns, inner]^T
 *
 * where the axes of both operands and the result are the batch, those of both operands alone are summed, and the rest are
 * rows and columns. An axis of one operand alone that the result does not have is summed before.
 */
export const einsum: tf.KernelConfig = wasmKernel<string, { equation: string }>(
  "Einsum",
  (inputs, { equation }, backend) => {
    const tensors = Object.values(inputs);
    const { operands, result } = parseEquation(equation, tensors.length);
    const sizes = axisSizes(equation, operands, tensors);
    const shapeOf = (axes: string) => [...axes].map((axis) => sizes.get(axis) as number);
    const made: tf.TensorInfo[] = [];
    const keep = (tensor: tf.TensorInfo) => {
      made.push(tensor);
      return tensor;
    };
    try {
      const [a, b = ""] = operands as [string, string?];
      const shared = [...a].filter((axis) => b.includes(axis));
      const batch = shared.filter((axis) => result.includes(axis)).join("");
      const inner = shared.filter((axis) => !result.includes(axis)).join("");
      const free = (axes: string) =>
        [...axes].filter((axis) => !shared.includes(axis) && result.includes(axis)).join("");
      const matrices = operands.map((axes, i) => {
        const wanted = batch + free(axes) + inner;
        const summed = keep(sumOver(backend, tensors[i] as tf.TensorInfo, axes, wanted));
        const left = [...axes].filter((axis) => wanted.includes(axis));
        const perm = [...wanted].map((axis) => left.indexOf(axis));
        return keep(
          transpose.kernelFunc({ inputs: { x: summed }, attrs: { perm }, backend }) as tf.TensorInfo,
        );
      });
      const order = batch + free(a) + free(b);
      const product =
        matrices.length === 1
          ? (matrices[0] as tf.TensorInfo)
          : keep(
              multiply(
                backend,
                matrices,
                [batch, free(a), free(b), inner].map((axes) => sizeOf(shapeOf(axes))),
              ),
            );
      const laidOut = { ...product, shape: shapeOf(order) };
      const perm = [...result].map((axis) => order.indexOf(axis));
      return transpose.kernelFunc({ inputs: { x: laidOut }, attrs: { perm }, backend }) as tf.TensorInfo;
    } finally {
      for (const tensor of made) backend.disposeData(tensor.dataId);
    }
  },
);

/** How long each axis is, which all operands must agree on. */
function axisSizes(equation: string, operands: readonly string[], tensors: readonly tf.TensorInfo[]) {
  const sizes = new Map<string, number>();
  operands.forEach((axes, i) => {
    const { shape, dtype } = tensors[i] as tf.TensorInfo;
    if (dtype !== "float32") throw new DTypeError(`einsum: expected float32, got ${dtype}`);
    if (shape.length !== axes.length)
      throw new ShapeError(
        `einsum: "${axes}" of equation "${equation}" is given shape [${shape.join(", ")}]`,
      );
    [...axes].forEach((axis, k) => {
      const size = shape[k] as number;
      const known = sizes.get(axis) ?? size;
      if (known !== size)
        throw new ShapeError(
          `einsum: axis "${axis}" of equation "${equation}" is ${known} long and ${size} long`,
        );
      sizes.set(axis, size);
    });
  });
  return sizes;
}

/** Sums over the axes that are not wanted. */
function sumOver(backend: WasmBackend, x: tf.TensorInfo, axes: string, wanted: string): tf.TensorInfo {
  const axis = [...axes].flatMap((name, i) => (wanted.includes(name) ? [] : [i]));
  if (axis.length === 0) return reshaped(backend, x, x.shape);
  return runStock("Sum", { inputs: { x }, attrs: attributes({ axis, keepDims: false }), backend });
}

function multiply(
  backend: WasmBackend,
  [a, b]: readonly tf.TensorInfo[],
  [batch, rows, columns, inner]: readonly number[],
): tf.TensorInfo {
  const inputs = {
    a: { ...a, shape: [batch, rows, inner] },
    b: { ...b, shape: [batch, columns, inner] },
  } as unknown as tf.NamedTensorInfoMap;
  return batchMatMul.kernelFunc({
    inputs,
    attrs: { transposeA: false, transposeB: true },
    backend,
  }) as tf.TensorInfo;
}
