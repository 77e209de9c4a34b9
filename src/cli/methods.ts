import type { Command } from "commander";
import { type AnalyzerInfo, listAnalyzers, type OptionInfo } from "../analyzers/index.js";
import { kebabCase, OTHERWISE } from "./methodOptions.js";
import type { Terminal } from "./run.js";

/** `tracelight methods`: what there is. */
export function addMethods(program: Command, terminal: Terminal): void {
  program
    .command("methods")
    .description("list the explanation methods with their options")
    .option("--json", "print JSON")
    .action(({ json }: { json?: true }) => {
      terminal.out(
        json ? `${JSON.stringify(listAnalyzers(), null, 2)}\n` : `${described(listAnalyzers())}\n`,
      );
    });
}

function described(methods: readonly AnalyzerInfo[]): string {
  const [first] = methods as [AnalyzerInfo];
  const inAll = ({ name }: OptionInfo) =>
    methods.every(({ options }) => options.some((option) => option.name === name));
  const paragraphs = methods.map(({ name, summary, options, source }) =>
    [
      name,
      `  ${summary}`,
      ...optionLines(options.filter((option) => !inAll(option))),
      `  from ${source}`,
    ].join("\n"),
  );
  return [...paragraphs, ["every method", ...optionLines(first.options.filter(inAll))].join("\n")].join(
    "\n\n",
  );
}

function optionLines(options: readonly OptionInfo[]): string[] {
  const width = Math.max(...options.map((option) => flag(option).length));
  return options.map((option) => {
    const { name, description } = option;
    return `  ${flag(option).padEnd(width)}  ${description} (${name}, ${option.required ? "must be given" : `default ${option.default ?? "none"}`})`;
  });
}

/** How the option is given to `tracelight explain`. */
function flag({ name, type, choices }: OptionInfo): string {
  const own = OTHERWISE[name];
  if (own !== undefined) return own;
  const values =
    choices?.filter((choice) => choice !== null).join("|") ?? (type === "boolean" ? "true|false" : type);
  return `--${kebabCase(name)} <${values}>`;
}
