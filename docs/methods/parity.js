/**
 * What other libraries call a method, what it is called here, and where the numbers differ. scripts/methodPages.js makes
 * parity.md of it, and fails for a name that we do not have.
 */

/** @typedef {[theirs: string, ours: string | null, difference: string]} Row */

const BIAS = 'its alpha-beta gives the whole bias to both parts; ours with `compat: "innvestigate"`';

/** @type {Record<string, readonly Row[]>} */
export const parity = {
  "iNNvestigate 2.1": [
    ["input", "input", ""],
    ["random", "random", "seeded"],
    ["gradient", "gradient", ""],
    ["gradient.baseline", "gradient.baseline", ""],
    ["input_t_gradient", "input_t_gradient", ""],
    ["deconvnet", "deconvnet", ""],
    ["guided_backprop", "guided_backprop", ""],
    ["integrated_gradients", "integrated_gradients", "the same left sum by default; `method` chooses others"],
    ["smoothgrad", "smoothgrad", "it ignores noise_scale; seeded"],
    ["lrp", "lrp", ""],
    ["lrp.z", "lrp.z", ""],
    ["lrp.epsilon", "lrp.epsilon", ""],
    ["lrp.w_square", "lrp.w_square", ""],
    ["lrp.flat", "lrp.flat", ""],
    ["lrp.alpha_beta", "lrp.alpha_beta", BIAS],
    ["lrp.alpha_2_beta_1", "lrp.alpha_2_beta_1", BIAS],
    ["lrp.alpha_2_beta_1_IB", "lrp.alpha_2_beta_1_IB", ""],
    ["lrp.alpha_1_beta_0", "lrp.alpha_1_beta_0", BIAS],
    ["lrp.alpha_1_beta_0_IB", "lrp.alpha_1_beta_0_IB", ""],
    ["lrp.z_plus", "lrp.z_plus", ""],
    ["lrp.z_plus_fast", "lrp.z_plus_fast", ""],
    ["lrp.sequential_preset_a", "lrp.sequential_preset_a", BIAS],
    ["lrp.sequential_preset_b", "lrp.sequential_preset_b", BIAS],
    ["lrp.sequential_preset_a_flat", "lrp.sequential_preset_a_flat", BIAS],
    ["lrp.sequential_preset_b_flat", "lrp.sequential_preset_b_flat", BIAS],
    ["lrp.sequential_preset_b_flat_until_idx", "lrp.sequential_preset_b_flat_until_idx", BIAS],
    ["deep_taylor", "deep_taylor", "it gives batch normalisation its plain gradient"],
    ["deep_taylor.bounded", "deep_taylor.bounded", "likewise"],
    ["lrp.z_IB (1.x)", "lrp.z_IB", ""],
    ["lrp.epsilon_IB (1.x)", "lrp.epsilon_IB", ""],
    ["deep_lift, pattern.net, pattern.attribution (1.x)", null, "later"],
  ],
  SIGNXAI: [
    [
      "lrp.sign, lrpsign_*",
      "lrp.sign",
      "names by its grammar are understood: prefix is the rule at the input",
    ],
    ["lrp.sign_mu, lrpsign_*_mu_*", "lrp.sign_mu", ""],
    ["lrp.stdxepsilon, *_std_x", "lrp.stdxepsilon", "as the paper: its torch twin divides by the input"],
    ["lrp.gamma", "lrp.gamma", "its gamma subtracts mixed terms; ours is the rule"],
    ["lrp.rule_until_index", "lrp.rule_until_index", ""],
    ["vargrad", "vargrad", "its noise copies are all equal, so that it is 0"],
    ["grad_cam, grad_cam_timeseries", "grad_cam", "its mean runs over the batch too; ours is each sample's"],
    ["guided_grad_cam", "guided_grad_cam", ""],
    ["deep_lift, occlusion", null, "later"],
  ],
  zennit: [
    ["Gradient", "gradient", ""],
    ["SmoothGrad", "smoothgrad", '`noise: "relative"`; its last copy is without noise'],
    ["IntegratedGradients", "integrated_gradients", '`method: "right"`'],
    ["GuidedBackprop", "guided_backprop", 'its head relevance is what you give: `headRelevance: "one"`'],
    ["DeconvNet", "deconvnet", "likewise"],
    ["EpsilonPlus", "lrp.epsilon_plus", ""],
    ["EpsilonPlusFlat", "lrp.epsilon_plus_flat", ""],
    ["EpsilonAlpha2Beta1", "lrp.epsilon_alpha2_beta1", ""],
    ["EpsilonAlpha2Beta1Flat", "lrp.epsilon_alpha2_beta1_flat", ""],
    ["EpsilonGammaBox", "lrp.epsilon_gamma_box", ""],
    ["ExcitationBackprop", "excitation_backprop", ""],
    ["BetaSmooth, Occlusion", null, "later"],
  ],
  LXT: [
    ["AttnLRP", "lrp.epsilon", '`attention: "attnlrp"`, of any lrp method'],
    ["CP-LRP", "lrp.epsilon", '`attention: "constant"`, of any lrp method'],
  ],
};
