import { type Command, InvalidArgumentError, Option } from "commander";
import { listAnalyzers, type OptionInfo } from "../analyzers/index.js";
import { didYouMean } from "../analyzers/options.js";
import { parseSignxaiName } from "../analyzers/signxaiNames.js";
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

/** Gives a command a flag for every option that some method has, below its own. */
export function addMethodOptions(command: Command): void {
  command.optionsGroup("Options of methods:");
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

/** JSON, or a name: `Flat`, `block1/out`, `[-1, 1]`, `{"rule": "Epsilon", "epsilon": 0.1}`. */
function readValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    if (text !== "" && !/^[[{"]/.test(text)) return text;
    throw new InvalidArgumentError("Expected a name or JSON.");
  }
}

/**
 * The methods that were asked for, by commas or one by one; `all`: those whose necessary options were given.
 *
 * @throws ArgumentError for an unknown method, or one without an option that it needs
 */
export function chosenMethods(who: string, given: readonly string[], options: Values): string[] {
  const names = listAnalyzers().map((method) => method.name);
  const chosen = listed(given);
  if (asksForAll(given)) return names.filter((name) => missingOptions(name, options).length === 0);
  for (const name of chosen) {
    if (baseMethod(name) === null) {
      throw new ArgumentError(
        `${who}: unknown method "${name}"${didYouMean(name, names)}; there are ${names.join(", ")}`,
      );
    }
    const missing = missingOptions(name, options);
    if (missing.length > 0) {
      throw new ArgumentError(`${who}: ${name} needs ${missing.join(" and ")}; see tracelight methods`);
    }
  }
  return [...new Set(chosen)];
}

/** Whether all methods were asked for, and not only some by name. */
export function asksForAll(given: readonly string[]): boolean {
  return listed(given).includes("all");
}

function listed(given: readonly string[]): string[] {
  return given.flatMap((text) => text.split(",")).map((name) => name.trim());
}

/** The method of a name, and what the name says of its options: SIGNXAI's names have some in them. */
export function baseMethod(name: string): { name: string; options: Values } | null {
  const names = listAnalyzers().map((method) => method.name);
  if (names.includes(name)) return { name, options: {} };
  const parsed = parseSignxaiName(name, names);
  return parsed && { name: parsed.method, options: parsed.options };
}

/** Whether one of the methods has an option. */
export function methodsHave(methods: readonly string[], option: string): boolean {
  const bases = methods.map((name) => baseMethod(name)?.name);
  return listAnalyzers().some(
    ({ name, options }) => bases.includes(name) && options.some((info) => info.name === option),
  );
}

/** The flags of the options that a method cannot be without, and that were not given. */
export function missingOptions(method: string, given: Values): string[] {
  const base = baseMethod(method);
  const info = listAnalyzers().find(({ name }) => name === base?.name);
  return (info?.options ?? [])
    .filter(
      ({ name, required }) =>
        required === true && givenAs(name, given) === undefined && base?.options[name] === undefined,
    )
    .map(({ name }) => `--${kebabCase(name)}`);
}

/**
 * The options that were given, for one method.
 *
 * @throws ArgumentError for one that none of the chosen methods has: it would do nothing
 */
export function optionsFor(who: string, method: string, chosen: readonly string[], given: Values): Values {
  const names = new Set(listAnalyzers().flatMap((info) => info.options.map((option) => option.name)));
  const options = [...names]
    .map((option): [string, unknown] => [option, givenAs(option, given)])
    .filter(([, value]) => value !== undefined);
  for (const [option] of options) {
    if (!methodsHave(chosen, option)) {
      throw new ArgumentError(
        `${who}: --${kebabCase(option)} is no option of ${chosen.join(", ")}; see tracelight methods`,
      );
    }
  }
  return Object.fromEntries(options.filter(([option]) => methodsHave([method], option)));
}

function givenAs(option: string, given: Values): unknown {
  return given[RENAMED[option] ?? option];
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
