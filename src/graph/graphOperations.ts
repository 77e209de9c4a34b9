import * as tf from "@tensorflow/tfjs";
import { GraphError } from "../errors.js";
import { messageOf } from "../text.js";

type LayerArgs = ConstructorParameters<typeof tf.layers.Layer>[0];

/** A GraphModel, and how many layers run it. */
export interface HeldGraph {
  readonly model: tf.GraphModel;
  /** Whether the last of the layers disposes it. */
  readonly owned: boolean;
  users: number;
}

/** Operations of a GraphModel, from its inputs to some of them, as a layer. */
export class GraphOperations extends tf.layers.Layer {
  static readonly className = "GraphOperations";
  readonly #graph: HeldGraph;
  readonly #outputs: readonly string[];

  /** @param outputs the names of the operations whose outputs are the layer's */
  constructor(args: LayerArgs, graph: HeldGraph, outputs: readonly string[]) {
    super(args);
    this.#graph = graph;
    this.#outputs = outputs;
    graph.users++;
  }

  get graphModel(): tf.GraphModel {
    return this.#graph.model;
  }

  /** A layer of the same operations, which runs the same GraphModel. */
  copied(name: string | undefined): GraphOperations {
    return new GraphOperations(name === undefined ? {} : { name }, this.#graph, this.#outputs);
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor | tf.Tensor[] {
    const { model } = this.#graph;
    return tf.tidy(() => {
      const given = [inputs].flat().map((x, i) => tf.cast(x, model.inputs[i]?.dtype ?? x.dtype));
      const byName = Object.fromEntries(model.inputNodes.map((name, i) => [name, given[i] as tf.Tensor]));
      return model.execute(byName, [...this.#outputs]);
    });
  }

  override computeOutputShape(): tf.Shape | tf.Shape[] {
    const shapes = this.#outputShapes();
    return shapes.length === 1 ? (shapes[0] as tf.Shape) : shapes;
  }

  /** As the signature tells them, or as they come out for one sample of zeros. */
  #outputShapes(): tf.Shape[] {
    const { inputs, outputs } = this.#graph.model;
    if (outputs.every(({ shape }) => shape !== undefined)) return outputs.map(({ shape }) => shapeOf(shape));
    const shapes: tf.Shape[] = [];
    tf.tidy(() => {
      const zeros = inputs.map(({ shape, dtype }) =>
        tf.zeros(
          (shape ?? []).map((n) => Math.max(n, 1)),
          dtype,
        ),
      );
      try {
        shapes.push(...[this.call(zeros)].flat().map(({ shape }) => [null, ...shape.slice(1)]));
      } catch (cause) {
        const reason = messageOf(cause);
        throw new GraphError(
          `the graph tells no shape of its outputs, and does not run on zeros to find them: ${reason}`,
          { cause },
        );
      }
    });
    return shapes;
  }

  override getConfig(): tf.serialization.ConfigDict {
    throw new GraphError(
      `layer "${this.name}" (GraphOperations) is a GraphModel, which has no configuration of layers and cannot be saved as one`,
    );
  }

  protected override disposeWeights(): number {
    this.#graph.users--;
    if (this.#graph.users === 0 && this.#graph.owned) this.#graph.model.dispose();
    return super.disposeWeights();
  }
}

/** A shape as a layer has it: where the converter wrote -1, a size is not known. */
export function shapeOf(shape: readonly number[] | undefined): (number | null)[] {
  return (shape ?? []).map((n) => (n === -1 ? null : n));
}
