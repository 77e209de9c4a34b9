import fc from "fast-check";

/** A convolution or pooling: sizes, windows, and how the edges are treated, as tfjs takes them. */
export interface Geometry {
  batch: number;
  size: [number, number];
  inC: number;
  outC: number;
  kernel: [number, number];
  strides: [number, number];
  dilations: [number, number];
  pad: "same" | "valid" | [[number, number], [number, number], [number, number], [number, number]];
  seed: number;
}

const pair = (low: number, high: number) =>
  fc.tuple(fc.integer({ min: low, max: high }), fc.integer({ min: low, max: high })) as fc.Arbitrary<
    [number, number]
  >;

/** Geometries whose windows fit into the padded image at least once. Strides or dilations are 1, as tfjs wants it. */
export function geometries({ dilated = true, maxPad = 2 } = {}): fc.Arbitrary<Geometry> {
  return fc
    .record({
      batch: fc.integer({ min: 1, max: 3 }),
      size: pair(1, 11),
      inC: fc.integer({ min: 1, max: 9 }),
      outC: fc.integer({ min: 1, max: 17 }),
      kernel: pair(1, 5),
      strides: pair(1, 4),
      rates: pair(1, 3),
      dilate: fc.boolean(),
      pads: fc.tuple(pair(0, maxPad), pair(0, maxPad)),
      mode: fc.constantFrom("same", "valid", "explicit"),
      seed: fc.integer({ min: 1, max: 1e6 }),
    })
    .map(({ rates, dilate, pads, mode, ...rest }): Geometry => {
      const dilating = dilate && dilated;
      const pad = mode === "explicit" ? ([[0, 0], pads[0], pads[1], [0, 0]] as Geometry["pad"]) : mode;
      return {
        ...rest,
        strides: dilating ? [1, 1] : rest.strides,
        dilations: dilating ? rates : [1, 1],
        pad: pad as Geometry["pad"],
      };
    })
    .filter(({ size, kernel, dilations, pad }) =>
      [0, 1].every((axis) => {
        const span = (kernel[axis]! - 1) * dilations[axis]! + 1;
        const room = typeof pad === "string" ? 0 : pad[axis + 1]![0] + pad[axis + 1]![1];
        return pad === "same" || span <= size[axis]! + room;
      }),
    );
}
