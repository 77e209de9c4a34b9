import type { Command } from "commander";
import { saveModel } from "../io/node/index.js";
import { MODEL } from "./flags.js";
import { loadModel } from "./model.js";
import type { Terminal } from "./run.js";

/** `tracelight convert IN OUT`: a model as TensorFlow.js's format. */
export function addConvert(program: Command, terminal: Terminal): void {
  program
    .command("convert")
    .description(
      "write a model as model.json and weights.bin of TensorFlow.js, checked to give the same outputs",
    )
    .argument("<model>", MODEL)
    .argument("<folder>", "where to write; made if it does not exist")
    .action(async (path: string, folder: string) => {
      const model = await loadModel(path);
      await saveModel(model, folder);
      terminal.out(
        `${folder}: ${model.name}, ${model.layers.length} layers, ${model.countParams()} parameters\n`,
      );
    });
}
