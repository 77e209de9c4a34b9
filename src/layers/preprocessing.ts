/** Preprocessing layers of Keras that tfjs lacks, or computes otherwise. */
import * as tf from "@tensorflow/tfjs";
import type { Shape } from "./internals.js";
import { type BaseConfig, channelsLast, channelsLastShape, OwnLayer } from "./OwnLayer.js";
import { type Interpolation, type ResizeOptions, resizeImages } from "./resample.js";

interface SizeOptions {
  height: number;
  width: number;
  interpolation: Interpolation;
  dataFormat: string;
}

type ResizingOptions = SizeOptions & Required<ResizeOptions>;

/** Images [..., h, w, c] of another size, by interpolation with half-pixel centres. */
export class KerasResizing extends OwnLayer<ResizingOptions> {
  static readonly className = "KerasResizing";

  constructor(config: BaseConfig & Partial<ResizingOptions>) {
    super(config, {
      height: 1,
      width: 1,
      interpolation: "bilinear",
      dataFormat: "channelsLast",
      antialias: false,
      cropToAspectRatio: false,
      padToAspectRatio: false,
      fillValue: 0,
    });
    this.supportsMasking = false;
  }

  protected override compute([x]: [tf.Tensor]): tf.Tensor {
    const { height, width, dataFormat, ...options } = this.options;
    return channelsLast(tf.cast(x, "float32"), dataFormat, (last) =>
      resizeImages(last, height, width, options),
    );
  }

  protected override shapeAfter([shape]: [Shape]): (number | null)[] {
    const { height, width, dataFormat } = this.options;
    return channelsLastShape(shape, dataFormat, ([b = null, , , c = null]) => [b, height, width, c]);
  }
}

/** The middle of images; of those that are smaller, as much as has the wanted proportions, made larger. */
export class KerasCenterCrop extends OwnLayer<Omit<SizeOptions, "interpolation">> {
  static readonly className = "KerasCenterCrop";

  constructor(config: BaseConfig & Partial<SizeOptions>) {
    super(config, { height: 1, width: 1, dataFormat: "channelsLast" });
    this.supportsMasking = false;
  }

  protected override compute([x]: [tf.Tensor]): tf.Tensor {
    const { height, width, dataFormat } = this.options;
    return channelsLast(tf.cast(x, "float32"), dataFormat, (last) => {
      const [b, h, w, c] = last.shape as [number, number, number, number];
      if (h < height || w < width) {
        return resizeImages(last, height, width, { interpolation: "bilinear", cropToAspectRatio: true });
      }
      const begin = [0, Math.floor((h - height) / 2), Math.floor((w - width) / 2), 0];
      return tf.slice(last, begin, [b, height, width, c]);
    });
  }

  protected override shapeAfter([shape]: [Shape]): (number | null)[] {
    const { height, width, dataFormat } = this.options;
    return channelsLastShape(shape, dataFormat, ([b = null, , , c = null]) => [b, height, width, c]);
  }
}

interface RescalingOptions {
  scale: number | number[];
  offset: number | number[];
}

/** `x * scale + offset`, each a number or one a channel, of which tfjs takes numbers only. */
export class KerasRescaling extends OwnLayer<RescalingOptions> {
  static readonly className = "KerasRescaling";

  constructor(config: BaseConfig & Partial<RescalingOptions>) {
    super(config, { scale: 1, offset: 0 });
  }

  protected override compute([x]: [tf.Tensor]): tf.Tensor {
    return tf.add(tf.mul(tf.cast(x, "float32"), this.options.scale), this.options.offset);
  }
}

/** Whole numbers as rows of zeros and ones: `oneHot`, or of the last axis together `multiHot` (any) or `count`. */
function encoded(x: tf.Tensor, mode: string, depth: number): tf.Tensor {
  // Not tf.oneHot, which on wasm forgets the type that it is asked for.
  const hot = tf.cast(
    tf.equal(tf.expandDims(tf.cast(x, "int32"), -1), tf.range(0, depth, 1, "int32")),
    "float32",
  );
  if (mode === "oneHot") return x.rank > 1 && x.shape.at(-1) === 1 ? tf.squeeze(hot, [x.rank - 1]) : hot;
  return mode === "count" ? tf.sum(hot, -2) : tf.max(hot, -2);
}

function encodedShape(shape: Shape, mode: string, depth: number): (number | null)[] {
  const whole = mode === "oneHot" && !(shape.length > 1 && shape.at(-1) === 1);
  return [...(whole ? shape : shape.slice(0, -1)), depth];
}

interface CategoryEncodingOptions {
  numTokens: number;
  outputMode: string;
}

export class KerasCategoryEncoding extends OwnLayer<CategoryEncodingOptions> {
  static readonly className = "KerasCategoryEncoding";

  constructor(config: BaseConfig & Partial<CategoryEncodingOptions>) {
    super(config, { numTokens: 1, outputMode: "multiHot" });
    this.supportsMasking = false;
  }

  protected override compute([x]: [tf.Tensor]): tf.Tensor {
    return encoded(x, this.options.outputMode, this.options.numTokens);
  }

  protected override shapeAfter([shape]: [Shape]): (number | null)[] {
    return encodedShape(shape, this.options.outputMode, this.options.numTokens);
  }
}

interface DiscretizationOptions {
  binBoundaries: number[];
  outputMode: string;
}

/** The number of boundaries that are not above x; as it is (`int`) or encoded. */
export class Discretization extends OwnLayer<DiscretizationOptions> {
  static readonly className = "Discretization";

  constructor(config: BaseConfig & Partial<DiscretizationOptions>) {
    super(config, { binBoundaries: [], outputMode: "int" });
    this.supportsMasking = false;
  }

  protected override compute([x]: [tf.Tensor]): tf.Tensor {
    const { binBoundaries, outputMode } = this.options;
    const above = tf.greaterEqual(tf.expandDims(tf.cast(x, "float32"), -1), tf.tensor1d(binBoundaries));
    const bins = tf.sum(tf.cast(above, "int32"), -1);
    return outputMode === "int" ? bins : encoded(bins, outputMode, binBoundaries.length + 1);
  }

  protected override shapeAfter([shape]: [Shape]): (number | null)[] {
    const { binBoundaries, outputMode } = this.options;
    return outputMode === "int" ? [...shape] : encodedShape(shape, outputMode, binBoundaries.length + 1);
  }
}

interface IntegerLookupOptions {
  vocabulary: number[];
  /** How many numbers are for what is not in the vocabulary. */
  numOovIndices: number;
  /** What becomes 0, if anything: all others are one higher then. */
  maskToken: number | null;
  outputMode: string;
}

/** The place in the vocabulary, behind the places for what is not in it, of which the remainder tells one; or encoded. */
export class IntegerLookup extends OwnLayer<IntegerLookupOptions> {
  static readonly className = "IntegerLookup";

  constructor(config: BaseConfig & Partial<IntegerLookupOptions>) {
    super(config, { vocabulary: [], numOovIndices: 1, maskToken: null, outputMode: "int" });
    this.supportsMasking = false;
  }

  private get depth(): number {
    return this.options.vocabulary.length + this.options.numOovIndices;
  }

  protected override compute([x]: [tf.Tensor]): tf.Tensor {
    const { vocabulary, numOovIndices, maskToken, outputMode } = this.options;
    const tokens = tf.cast(x, "int32");
    const same = tf.equal(tf.expandDims(tokens, -1), tf.tensor1d(vocabulary, "int32"));
    const places = tf.range(1, vocabulary.length + 1, 1, "int32");
    const place = tf.sum(tf.mul(tf.cast(same, "int32"), places), -1);
    const known = tf.add(place, tf.scalar(numOovIndices - 1, "int32"));
    const unknown = tf.mod(tokens, tf.scalar(numOovIndices, "int32"));
    const index = tf.cast(tf.where(tf.greater(place, 0), known, unknown), "int32");
    if (outputMode !== "int") return encoded(index, outputMode, this.depth);
    if (maskToken === null) return index;
    const hidden = tf.equal(tokens, tf.scalar(maskToken, "int32"));
    return tf.cast(tf.where(hidden, tf.zerosLike(index), tf.add(index, tf.scalar(1, "int32"))), "int32");
  }

  protected override shapeAfter([shape]: [Shape]): (number | null)[] {
    const { outputMode } = this.options;
    return outputMode === "int" ? [...shape] : encodedShape(shape, outputMode, this.depth);
  }
}
