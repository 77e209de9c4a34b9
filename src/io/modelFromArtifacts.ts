import * as tf from "@tensorflow/tfjs";
import { ModelFormatError } from "../errors.js";
import { disposeStates, isRecurrent, ownsItsLayers, whenFreed } from "../layers/internals.js";
import { registerLayers } from "../layers/registerLayers.js";
import { buildOrNothing } from "./atomicBuild.js";
import { boundRounds } from "./boundedRounds.js";
import { shown } from "./keras/checks.js";
import { reasonOf } from "./saying.js";

/** A layers model as files hold it: its topology in the JSON of Keras, and its weights. */
export interface LayersModelArtifacts {
  readonly modelTopology: object;
  readonly weightSpecs: tf.io.WeightsManifestEntry[];
  /** The weights' values one after the other, in the order of the specs. */
  readonly weightData: ArrayBuffer;
  readonly userDefinedMetadata?: Record<string, object>;
}

/**
 * Builds a layers model and gives it its weights, as `tf.loadLayersModel` does, but at once, and without leaving anything
 * allocated when it fails. The model is not compiled; weights of an optimizer are passed over.
 *
 * @throws ModelFormatError with what TensorFlow.js said, or for a weight of the wrong shape
 * @example modelFromArtifacts({ modelTopology, weightSpecs, weightData })
 */
export function modelFromArtifacts(artifacts: LayersModelArtifacts): tf.LayersModel {
  registerLayers();
  try {
    return buildOrNothing(() => {
      const model = buildModel(artifacts.modelTopology);
      if (artifacts.userDefinedMetadata) model.setUserDefinedMetadata(artifacts.userDefinedMetadata);
      loadWeights(model, artifacts);
      ownsAll(model);
      return model;
    });
  } catch (error) {
    if (error instanceof ModelFormatError) throw error;
    const message = reasonOf(error);
    throw new ModelFormatError(`TensorFlow.js cannot build the model: ${message}`, { cause: error });
  }
}

/** Makes disposing a model free all of it: also layers that are called twice, and what recurrent layers keep. */
function ownsAll(model: tf.LayersModel): void {
  ownsItsLayers(model);
  for (const layer of model.layers) {
    if (layer instanceof tf.LayersModel) ownsAll(layer);
    else if (isRecurrent(layer)) whenFreed(layer, () => disposeStates(layer));
  }
}

/** How tfjs makes an object of its class; models take more arguments than the type of the registry tells. */
type FromConfig = (cls: unknown, config: object, customObjects: object, fastWeightInit: boolean) => unknown;

/** A model whose weights are zero: its initializers would be work for nothing. */
function buildModel(modelTopology: object): tf.LayersModel {
  const topology = (modelTopology as { model_config?: unknown }).model_config ?? modelTopology;
  const { className, config } = inCamelCase(topology);
  const classes = tf.serialization.SerializationMap.getMap().classNameMap;
  if (
    typeof className !== "string" ||
    !Object.hasOwn(classes, className) ||
    typeof config !== "object" ||
    config === null
  ) {
    throw new ModelFormatError(
      `expected a topology with class_name Sequential, Model or Functional and a config, got class_name ${typeof className === "string" ? className : shown(className)}`,
    );
  }
  boundRounds(config);
  const [cls, fromConfig] = classes[className] as unknown as [unknown, FromConfig];
  const model = fromConfig(cls, config, {}, true);
  if (!(model instanceof tf.LayersModel)) {
    throw new ModelFormatError(`expected the topology of a model, got that of a layer of class ${className}`);
  }
  return model;
}

/**
 * Keras's JSON as the classes of tfjs take it, with names and words in camel case. tfjs does not export its converter; it
 * does run it on what it hands to custom objects, so a custom object that keeps what it gets is the way there.
 */
function inCamelCase(topology: unknown): { className: unknown; config: unknown } {
  let converted: unknown;
  const keep = (_cls: unknown, config: { topology: unknown }) => {
    converted = config.topology;
    return {};
  };
  const customObjects = { Keep: [Object, keep] } as unknown as tf.serialization.ConfigDict;
  const modelTopology = { class_name: "Keep", config: { topology } } as unknown as PythonicConfig;
  // The conversion runs before the call returns; what the promise holds is of no use.
  tf.models.modelFromJSON({ modelTopology }, customObjects).catch(() => {});
  const { className, config } = (converted ?? {}) as { className?: unknown; config?: unknown };
  return { className, config };
}

type PythonicConfig = Extract<
  Parameters<typeof tf.models.modelFromJSON>[0],
  { modelTopology: unknown }
>["modelTopology"];

function loadWeights(model: tf.LayersModel, { weightSpecs, weightData }: LayersModelArtifacts): void {
  const wanted = new Map(model.weights.map((weight) => [weight.originalName, weight.shape]));
  for (const { name, shape, group } of weightSpecs) {
    const shapeWanted = wanted.get(name);
    if (group !== "optimizer" && shapeWanted !== undefined && String(shapeWanted) !== String(shape)) {
      throw new ModelFormatError(
        `weight ${name} has shape [${shape.join(", ")}], its layer takes [${shapeWanted.join(", ")}]`,
      );
    }
  }
  tf.tidy(() => {
    const values = tf.io.decodeWeights(weightData, weightSpecs);
    for (const { name, group } of weightSpecs) if (group === "optimizer") delete values[name];
    model.loadWeights(values);
  });
}
