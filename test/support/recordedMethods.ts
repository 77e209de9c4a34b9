import type { RecordedCase } from "./reference.js";

/** A recorded case in this library's words. */
export interface OwnWords {
  name: string;
  options: Record<string, unknown>;
}

type Options = Record<string, unknown>;

const camelCase = (name: string) => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** iNNvestigate's keyword arguments are ours in camel case. */
function camelCased(kwargs: Options): Options {
  return Object.fromEntries(Object.entries(kwargs).map(([key, value]) => [camelCase(key), value]));
}

const zennit: Record<string, (kwargs: Options) => OwnWords> = {
  "composite.deconvnet": () => ({ name: "deconvnet", options: { otherActivations: "gradient" } }),
  "composite.guided_backprop": () => ({ name: "guided_backprop", options: { otherActivations: "gradient" } }),
  "composite.excitation_backprop": () => ({ name: "excitation_backprop", options: {} }),
};

const captum: Record<string, (kwargs: Options) => OwnWords> = {
  IntegratedGradients: ({ n_steps, method, baselines }) => ({
    name: "integrated_gradients",
    options: { steps: n_steps, method, referenceInputs: baselines },
  }),
  LayerGradCam: ({ layer, relu_attributions }) => ({
    name: "grad_cam",
    options: { layer, rectify: relu_attributions, resize: "none" },
  }),
  GuidedGradCam: ({ layer, interpolate_mode }) => ({
    name: "guided_grad_cam",
    options: { layer, resize: interpolate_mode === "linear" ? "bilinear" : interpolate_mode },
  }),
};

/** Methods of a later family, whose cases are counted and left out. */
export const LATER = ["DeepLift", "Occlusion"];

/** The method and options that a recorded case stands for; null for methods of a later family. */
export function inOwnWords({ tool, analyzer, kwargs, defect, headRelevance }: RecordedCase): OwnWords | null {
  if (LATER.includes(analyzer)) return null;
  const head = headRelevance === undefined ? {} : { headRelevance };
  const { canonizers: _, ...own } = kwargs;
  if (tool === "captum") return withHead(captum[analyzer]!(own), head);
  if (analyzer.startsWith("rule.")) {
    const rule = { rule: analyzer.slice("rule.".length), ...own };
    return withHead({ name: "lrp", options: { rule, dialect: "zennit" } }, head);
  }
  if (tool === "zennit") {
    const made = zennit[analyzer]?.(own) ?? {
      name: analyzer.replace("composite.", "lrp."),
      options: own,
    };
    return withHead(made, head);
  }
  const compat = defect === undefined ? {} : { compat: "innvestigate" };
  return withHead({ name: analyzer, options: { ...camelCased(kwargs), ...compat } }, head);
}

function withHead({ name, options }: OwnWords, head: Options): OwnWords {
  return { name, options: { ...options, ...head } };
}
