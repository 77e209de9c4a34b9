import { Command, CommanderError } from "commander";
import { ArgumentError } from "../errors.js";
import { messageOf } from "../text.js";
import { addCompare } from "./compare.js";
import { addConvert } from "./convert.js";
import { addExplain } from "./explain.js";
import { addInspect } from "./inspect.js";
import { addMethods } from "./methods.js";
import { addTrace } from "./trace.js";

/** Where a command prints, and what it knows of its terminal. */
export interface Terminal {
  out(text: string): void;
  err(text: string): void;
  /** Whether a progress bar has somebody to look at it. */
  readonly interactive: boolean;
}

/** Exit statuses: done, failed, called wrongly. */
const [DONE, FAILED, USAGE] = [0, 1, 2];

/**
 * Runs the command line.
 *
 * @param argv what stands behind the command's name
 * @returns the exit status: 0, 2 for a wrong call, 1 for everything else that went wrong
 */
export async function run(argv: readonly string[], version: string, terminal: Terminal): Promise<number> {
  const program = new Command("tracelight")
    .description("Traces TensorFlow.js models and explains their predictions.")
    .version(version, "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .option("--verbose", "print stack traces of errors")
    .showHelpAfterError(false)
    .exitOverride()
    .configureOutput({ writeOut: (text) => terminal.out(text), writeErr: () => {} })
    .addHelpText("after", EXAMPLES);
  const commands = [addExplain, addCompare, addTrace, addInspect, addConvert, addMethods];
  for (const add of commands) add(program, terminal);
  try {
    await program.parseAsync([...argv], { from: "user" });
    return DONE;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return DONE;
    if (error instanceof CommanderError && error.code === "commander.help") {
      terminal.err(
        `tracelight: expected a command: ${program.commands.map((c) => c.name()).join(", ")}; see tracelight --help\n`,
      );
      return USAGE;
    }
    const message = messageOf(error);
    terminal.err(`tracelight: ${oneLine(message).replace(/^error: /, "")}\n`);
    if (program.opts().verbose && error instanceof Error) terminal.err(`${error.stack}\n`);
    return error instanceof CommanderError || error instanceof ArgumentError ? USAGE : FAILED;
  }
}

const EXAMPLES = `
Examples:
  $ tracelight trace model/model.json
  $ tracelight inspect classifier.keras
  $ tracelight convert classifier.keras model/
  $ tracelight explain model/ scan.png --method lrp.epsilon --out heatmaps
  $ tracelight compare model/ scan.png --method all --out comparison.html
  $ tracelight methods`;

function oneLine(text: string): string {
  return text.trim().replace(/\s*\n\s*/g, " ");
}
