import * as tf from "@tensorflow/tfjs";
import { attributes, runStock, wasmKernel } from "./stock.js";

/** tf.cumsum, whose axis tfjs's WASM backend takes as it is: a negative one makes it read and write outside its memory. */
export const cumsum = wasmKernel<"x", { axis: number; exclusive: boolean; reverse: boolean }>(
  "Cumsum",
  (inputs, attrs, backend) => {
    const axis = tf.util.parseAxisParam(attrs.axis, inputs.x.shape)[0] as number;
    return runStock("Cumsum", { inputs, attrs: attributes({ ...attrs, axis }), backend });
  },
);
