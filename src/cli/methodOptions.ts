import { type Command, InvalidArgumentError, Option } from "commander";
import { listAnalyzers, type OptionInfo } from "../analyzers/index.js";
import { ArgumentError } from "../errors.js";

type Values = Record<string, unknown>;

/** Options whose own name is taken on the command line. */
const RENAMED: Readonly<Record<string, string>> = { method: "quadrature" };

/** An option as a flag, without the dashes: `bnLayerRule` is `bn-layer-rule`. */
export function kebabCase(option: string): string {
  const name = RENAMED[option] ?? option;
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** Options of methods for which the command line has words of its own. */
export const OTHERWISE: Readonly<Record<string, string>> = {
  neuronSelectionMode: "--neuron",
  disableModelChecks: "--keep-softmax",
};

/** Gives a command a flag for every option that some method has. */
export function addMethodOptions(command: Command): void {
  const options = listAnalyzers().flatMap((method) => method.options);
  const all = new Map(options.map((option) => [option.name, option]));
  for (const option of all.values()) if (!(option.name in OTHERWISE)) command.addOption(flagOf(option));
}

function flagOf({ name, type, choices, description }: OptionInfo): Option {
  const flag = new Option(`--${kebabCase(name)} <${type === "boolean" ? "true|false" : type}>`, description);
  if (choices) return flag.choices(choices.filter((choice) => choice !== null));
  if (type === "boolean") return flag.argParser(readBoolean);
  if (type === "value") return flag.argParser(readValue);
  return type === "number" ? flag.argParser(readNumber) : flag;
}

/** JSON, or a plain word: `Flat`, `[-1, 1]`, `{"rule": "Epsilon", "epsilon": 0.1}`. */
function readValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    if (/^[\w.]+$/.test(text)) return text;
    throw new InvalidArgumentError("Expected a name or JSON.");
  }
}

/** The options that a method cannot be without, and that were not given. */
export function missingOptions(method: string, given: Values): string[] {
  const info = listAnalyzers().find(({ name }) => name === method);
  return (info?.options ?? [])
    .filter(({ name, required }) => required === true && given[name] === undefined)
    .map(({ name }) => `--${kebabCase(name)}`);
}

/**
 * The options that were given, for one method.
 *
 * @throws ArgumentError for one that none of the chosen methods has: it would do nothing
 */
export function optionsFor(who: string, method: string, chosen: readonly string[], given: Values): Values {
  const infos = listAnalyzers();
  const has = (name: string, option: string) =>
    infos.find((info) => info.name === name)?.options.some((o) => o.name === option);
  const names = new Set(infos.flatMap((info) => info.options.map((option) => option.name)));
  const options = [...names]
    .map((option): [string, unknown] => [option, given[RENAMED[option] ?? option]])
    .filter(([, value]) => value !== undefined);
  for (const [option] of options) {
    if (!chosen.some((name) => has(name, option))) {
      throw new ArgumentError(
        `${who}: --${kebabCase(option)} is no option of ${chosen.join(", ")}; see tracelight methods`,
      );
    }
  }
  return Object.fromEntries(options.filter(([option]) => has(method, option)));
}

function readBoolean(text: string): boolean {
  if (text !== "true" && text !== "false") throw new InvalidArgumentError("Expected true or false.");
  return text === "true";
}

function readNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || Number.isNaN(value)) throw new InvalidArgumentError("Expected a number.");
  return value;
}
