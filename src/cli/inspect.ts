import type { Command } from "commander";
import { type InspectedModel, inspectModel } from "../io/index.js";
import { table } from "../text.js";
import { MODEL } from "./flags.js";
import type { Terminal } from "./run.js";

/** `tracelight inspect MODEL`: what is in a model's file, and what of it cannot be opened. */
export function addInspect(program: Command, terminal: Terminal): void {
  program
    .command("inspect")
    .description(
      "print a model file's Keras version, layers and weights, and what of it cannot be opened and why",
    )
    .argument("<model>", MODEL)
    .option("--json", "print JSON")
    .action(async (path: string, { json }: { json?: true }) => {
      const model = await inspectModel(path);
      terminal.out(json ? `${JSON.stringify(model, null, 2)}\n` : `${described(model)}\n`);
    });
}

function described({ format, version, name, layers, parameters }: InspectedModel): string {
  const rows = layers.map(({ path, className, weights, unsupported }) => [
    path,
    className,
    weights.map((shape) => `[${shape.join(", ")}]`).join(" "),
    unsupported === null ? "" : `not supported: ${unsupported}`,
  ]);
  const ofGraph = format === "TensorFlow.js graph model";
  const what = ofGraph ? "operation" : "layer";
  const from = version === null ? "Keras version not stated" : `Keras ${version}`;
  const bad = layers.filter(({ unsupported }) => unsupported !== null).length;
  return [
    `${name}: ${format}${ofGraph ? "" : `, ${from}`}`,
    "",
    table([what, "class", "weights", ""], rows),
    "",
    [
      `${layers.length} ${what}s`,
      `${parameters} parameters`,
      ...(ofGraph ? [] : [bad === 0 ? "all supported" : `${bad} not supported`]),
    ].join(", "),
  ].join("\n");
}
