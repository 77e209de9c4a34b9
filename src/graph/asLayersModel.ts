import * as tf from "@tensorflow/tfjs";
import { ArgumentError, GraphError } from "../errors.js";

type LayerArgs = ConstructorParameters<typeof tf.layers.Layer>[0];

/** A GraphModel as the one layer of a model. It cannot be saved: its operations are in no layer's configuration. */
class GraphOperations extends tf.layers.Layer {
  static readonly className = "GraphOperations";
  readonly #model: tf.GraphModel;

  constructor(args: LayerArgs & { model: tf.GraphModel }) {
    super(args);
    this.#model = args.model;
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor | tf.Tensor[] {
    const names = this.#model.inputNodes;
    const xs = [inputs].flat().map((x, i) => tf.cast(x, this.#model.inputs[i]?.dtype ?? x.dtype));
    return this.#model.execute(
      Object.fromEntries(names.map((name, i) => [name, xs[i] as tf.Tensor])),
      this.#model.outputNodes,
    );
  }

  override computeOutputShape(): tf.Shape | tf.Shape[] {
    const shapes = this.#model.outputs.map(({ shape }) => shapeOf(shape));
    return shapes.length === 1 ? (shapes[0] as tf.Shape) : shapes;
  }

  override getConfig(): tf.serialization.ConfigDict {
    throw new GraphError(
      `layer "${this.name}" (GraphOperations) is a GraphModel, which has no configuration`,
    );
  }
}

/** Where the converter wrote -1, a size is not known. */
function shapeOf(shape: readonly number[] | undefined): (number | null)[] {
  return (shape ?? [-1]).map((n) => (n === -1 ? null : n));
}

/**
 * A GraphModel (a converted SavedModel) as a layers model of one layer, for all that needs no layers: `createAnalyzer` of the
 * methods that need only gradients, `apply`, parts of larger models. Methods of relevance refuse it by name. The GraphModel
 * stays the caller's to dispose, after the new model.
 *
 * @throws ArgumentError for what is no GraphModel; GraphError for one whose signature does not tell the inputs' shapes
 * @example const analyzer = createAnalyzer("smoothgrad", asLayersModel(await tf.loadGraphModel(url)));
 */
export function asLayersModel(model: tf.GraphModel): tf.LayersModel {
  const who = "asLayersModel";
  if (!(model instanceof tf.GraphModel)) throw new ArgumentError(`${who}: expected a tf.GraphModel`);
  const inputs = model.inputs.map(({ name, shape, dtype }) => {
    if (shape === undefined || shape.length === 0)
      throw new GraphError(`${who}: the graph does not tell the shape of its input "${name}"`);
    return tf.input({
      batchShape: shapeOf(shape),
      dtype,
      name: name.replace(/:\d+$/, "").replaceAll(/\W/g, "_"),
    });
  });
  const layer = new GraphOperations({ name: "graph", model });
  const outputs = layer.apply(inputs.length === 1 ? (inputs[0] as tf.SymbolicTensor) : inputs);
  return tf.model({ inputs, outputs: outputs as tf.SymbolicTensor | tf.SymbolicTensor[] });
}
