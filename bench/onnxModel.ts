/**
 * ONNX models of one operation, written as protocol buffers by hand: a field is its number and wire type, then a varint or
 * a length and as many bytes. The numbers are those of onnx.proto3.
 */

export type OnnxType = "float32" | "int32" | "int64" | "bool";
const ELEMENT: Record<OnnxType, number> = { float32: 1, int32: 6, int64: 7, bool: 9 };
/** The operator set that the models ask for. */
const OPSET = 18;
/** IR version 8 belongs to that operator set. */
const IR_VERSION = 8;

export interface OnnxNode {
  op: string;
  inputs: string[];
  output: string;
  /** Attributes: one integer, or a list. */
  attributes?: Record<string, number | number[]>;
}

export interface OnnxValue {
  type: OnnxType;
  shape: number[];
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return [...bytes, rest];
}

function int(field: number, value: number): number[] {
  return [...varint(field * 8), ...varint(value)];
}

function message(field: number, ...parts: number[][]): number[] {
  const bytes = parts.flat();
  return [...varint(field * 8 + 2), ...varint(bytes.length), ...bytes];
}

function text(field: number, value: string): number[] {
  return message(field, [...new TextEncoder().encode(value)]);
}

function attribute([name, value]: [string, number | number[]]): number[] {
  return Array.isArray(value)
    ? message(5, text(1, name), ...value.map((v) => int(8, v)), int(20, 7))
    : message(5, text(1, name), int(3, value), int(20, 2));
}

function value(field: number, name: string, { type, shape }: OnnxValue): number[] {
  const dimensions = shape.map((n) => message(1, int(1, n)));
  return message(
    field,
    text(1, name),
    message(2, message(1, int(1, ELEMENT[type]), message(2, ...dimensions))),
  );
}

/** A model of nodes in order, with its inputs and its one output `y`. */
export function onnxModel(
  nodes: readonly OnnxNode[],
  inputs: Record<string, OnnxValue>,
  output: OnnxValue,
): Uint8Array {
  const graph = [
    ...nodes.map((node) =>
      message(
        1,
        ...node.inputs.map((name) => text(1, name)),
        text(2, node.output),
        text(4, node.op),
        ...Object.entries(node.attributes ?? {}).map(attribute),
      ),
    ),
    text(2, "graph"),
    ...Object.entries(inputs).map(([name, input]) => value(11, name, input)),
    value(12, "y", output),
  ];
  return Uint8Array.from([
    ...int(1, IR_VERSION),
    ...message(7, ...graph),
    ...message(8, text(1, ""), int(2, OPSET)),
  ]);
}
