import * as tf from "@tensorflow/tfjs";
import { registerActivations } from "./activations.js";
import * as adaptivePooling from "./adaptivePooling.js";
import * as advancedActivations from "./advancedActivations.js";
import * as attention from "./attention.js";
import * as convolutions from "./convolutions.js";
import { KerasEinsumDense } from "./einsumDense.js";
import { KerasGRUCell } from "./KerasGRUCell.js";
import { KerasMasking } from "./KerasMasking.js";
import { LayerScale } from "./LayerScale.js";
import { MaskedMultiply, maskFreeMergeNames, maskFreeMerges } from "./masks.js";
import * as normalizations from "./normalizations.js";
import { Operation } from "./Operation.js";
import * as passThrough from "./passThrough.js";
import * as preprocessing from "./preprocessing.js";
import * as recurrent from "./recurrent.js";
import { Subtract } from "./Subtract.js";
import * as space from "./space.js";
import { WithMask } from "./WithMask.js";

type LayerClass = Parameters<typeof tf.serialization.registerClass>[0] & { readonly className: string };

/** Every layer class of ours. The classes of Keras that tfjs has too are called Keras...: the registry has one name each. */
const layerClasses = [
  ...[
    adaptivePooling,
    advancedActivations,
    attention,
    convolutions,
    normalizations,
    passThrough,
    preprocessing,
    recurrent,
    space,
  ].flatMap((file) => Object.values(file)),
  KerasEinsumDense,
  KerasGRUCell,
  KerasMasking,
  LayerScale,
  MaskedMultiply,
  Operation,
  Subtract,
  WithMask,
] as unknown as readonly LayerClass[];

/** Class names of our layers. */
export const ownLayerNames: readonly string[] = [
  ...layerClasses.map(({ className }) => className),
  ...maskFreeMergeNames,
];

let registered = false;

/**
 * Makes TensorFlow.js know the layers and activations of this library, so that `tf.loadLayersModel` opens a model with them
 * that was saved. Everything of this library that opens models does it by itself.
 *
 * @example
 * registerLayers();
 * const model = await tf.loadLayersModel("converted/model.json");
 */
export function registerLayers(): void {
  if (registered) return;
  registered = true;
  registerActivations();
  for (const layerClass of [...layerClasses, ...maskFreeMerges()]) tf.serialization.registerClass(layerClass);
}
