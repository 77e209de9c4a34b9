import { gradientComposite, rectifiedComposite } from "../../rules/index.js";
import { gradCam, gradCamPlusPlus } from "../activationMaps.js";
import type { ActivationMap, MethodEntry } from "../method.js";
import type { OptionValues } from "../options.js";
import type { OptionInfo } from "../types.js";
import { COMMON } from "./commonOptions.js";

const LAYER: OptionInfo = {
  name: "layer",
  type: "string",
  default: null,
  description:
    "the layer whose output to weigh; null: the last convolution, with the normalisation and activation behind it",
};
const RESIZE = (way: "bilinear" | "nearest"): OptionInfo => ({
  name: "resize",
  type: "string",
  default: way,
  choices: ["bilinear", "nearest", "none"],
  description: "how the map gets the input's size",
});
const RECTIFY: OptionInfo = {
  name: "rectify",
  type: "boolean",
  default: true,
  description: "keep only what speaks for the output",
};

const mapOf = (options: OptionValues, combine: ActivationMap["combine"], guided = false): ActivationMap => ({
  layer: options.layer as string | null,
  resize: options.resize as ActivationMap["resize"],
  combine,
  guided,
});

/** Maps over the places of a layer, of images and of series. */
export const mapMethods: readonly MethodEntry[] = [
  {
    name: "grad_cam",
    family: "map",
    summary: "the channels of a layer, each times its mean gradient, added up",
    options: [LAYER, RESIZE("bilinear"), RECTIFY, ...COMMON],
    source: "Selvaraju et al. 2017, arXiv:1610.02391; captum LayerGradCam",
    make: (options) => ({
      composite: gradientComposite,
      head: "one",
      complete: false,
      map: mapOf(options, gradCam(options.rectify as boolean)),
    }),
  },
  {
    name: "grad_cam_pp",
    family: "map",
    summary: "as grad_cam, with the positive gradients weighted by place",
    options: [LAYER, RESIZE("bilinear"), ...COMMON],
    source: "Chattopadhyay et al. 2018, arXiv:1710.11063",
    make: (options) => ({
      composite: gradientComposite,
      head: "one",
      complete: false,
      map: mapOf(options, gradCamPlusPlus),
    }),
  },
  {
    name: "guided_grad_cam",
    family: "map",
    summary: "guided backpropagation times grad_cam",
    options: [LAYER, RESIZE("nearest"), ...COMMON],
    source: "Selvaraju et al. 2017, arXiv:1610.02391; captum GuidedGradCam",
    make: (options) => ({
      composite: rectifiedComposite({ guided: true, others: "gradient" }),
      head: "one",
      complete: false,
      map: mapOf(options, gradCam(true), true),
    }),
  },
];
