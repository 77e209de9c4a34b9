/**
 * What people wrote of each method: the formula, what it takes for granted, and when it misleads. scripts/methodPages.js adds
 * what the program knows (options, source, family) and makes the pages of this folder.
 *
 * In the formulas x is the input of a layer, z = w . x + b its output before the activation, R its relevance from above, and
 * x+ = max(x, 0), x- = min(x, 0), likewise w+, w-, b+, b-.
 */

/** @typedef {{ formula: string, assumes: string, misleads: string }} Text */

const ANY = "Nothing but that the model can be differentiated; every layer is passed.";
const BEFORE_SOFTMAX = "The output to explain is one before the softmax.";
const REFUSED = "Layers for which there is a rule; others are refused by name before anything is computed.";
const FEED_FORWARD = `${REFUSED} ${BEFORE_SOFTMAX}`;
const RULES = `${REFUSED} Through recurrent layers relevance goes back in time, by the rule of dense layers; gates take nothing (Arras et al. 2017). Attention has two rules to choose from with the option attention: attnlrp goes through queries, keys and values (Achtibat et al. 2024), constant through the values alone, so that it loses nothing (Ali et al. 2022). ${BEFORE_SOFTMAX}`;
const BIAS =
  "Biases take their part of the relevance, so that the inputs' does not add up to the output; `delta` says how much is missing.";
const INFINITE =
  "Where a denominator is nearly zero, relevance of both signs grows without bound and the map is noise: `lrp.epsilon` is the remedy.";
const POSITIVE =
  "What speaks against the class is not shown: a positive map for one class says nothing of its rivals.";
const COARSE =
  "The map is as coarse as the layer it is taken from; the last convolution sees large parts of the image.";

/** @type {Record<string, Text>} */
export const texts = {
  gradient: {
    formula: "R = d f / d x        (postprocess: |R| or R²)",
    assumes: ANY,
    misleads:
      "It says how the output would change, not what made it what it is: a pixel that matters but is saturated has gradient 0, and noise that the network would react to lights up. Through many relus it looks shattered.",
  },
  "gradient.baseline": {
    formula: "R = d f / d x",
    assumes: ANY,
    misleads: "As gradient, of which it is another name.",
  },
  input_t_gradient: {
    formula: "R = x · d f / d x",
    assumes: ANY,
    misleads:
      "What is 0 in the input, black paper for instance, can have no relevance, however much its being 0 matters. Only for networks of relus without biases does it add up to the output.",
  },
  integrated_gradients: {
    formula: "R = (x − x0) · Σ_k v_k  d f / d x  at  x0 + t_k (x − x0)",
    assumes: `${ANY} And a reference x0 that means "nothing there".`,
    misleads:
      'Everything is told relative to the reference: with a black one, what is black in the input gets nothing. Few steps leave a gap between the sum and f(x) − f(x0), which `delta` shows; `method: "gauss-legendre"` needs the fewest.',
  },
  smoothgrad: {
    formula: "R = mean over k of  d f / d x  at  x + noise_k",
    assumes: ANY,
    misleads:
      "The result depends on the noise: with much of it the network sees inputs it never learnt. The same seed gives the same map, which is no sign that it is stable.",
  },
  smoothgrad_sq: {
    formula: "R = mean over k of  (d f / d x)²  at  x + noise_k",
    assumes: ANY,
    misleads:
      "As smoothgrad; and signs are lost, so that what speaks against the class looks like what speaks for it.",
  },
  vargrad: {
    formula: "R = variance over k of  d f / d x  at  x + noise_k",
    assumes: ANY,
    misleads: "It shows where the gradient is unsteady, which is not where the evidence is; signs are lost.",
  },
  deconvnet: {
    formula: "through each relu:  R ← R+        (elsewhere the gradient)",
    assumes: "Activations that are relu or linear; others are refused (`otherActivations`).",
    misleads:
      "It paints what the filters like to see, almost the same for every class: it is a picture of features, not of a decision. Scaled by the logit, as iNNvestigate does it.",
  },
  guided_backprop: {
    formula: "through each relu:  R ← R+ where z > 0, else 0        (elsewhere the gradient)",
    assumes: "Activations that are relu or linear; others are refused (`otherActivations`).",
    misleads:
      "Sharp pictures that hardly change when the class or even the upper layers' weights do (Adebayo et al. 2018): edges of the input, not reasons.",
  },
  lrp: {
    formula: "R_i = Σ_j  (the rule's share of i in j)  R_j",
    assumes: RULES,
    misleads:
      "As the rules that are chosen; a rule in the wrong place (z^B or flat far from the input) gives a map that looks fine.",
  },
  "lrp.z": {
    formula: "R_i = Σ_j  x_i w_ij / z_j  R_j",
    assumes: RULES,
    misleads: `${INFINITE} ${BIAS}`,
  },
  "lrp.z_IB": {
    formula: "R_i = Σ_j  x_i w_ij / (z_j − b_j)  R_j",
    assumes: RULES,
    misleads: `${INFINITE} An output that its bias alone makes has nobody to hand its relevance to.`,
  },
  "lrp.epsilon": {
    formula: "R_i = Σ_j  x_i w_ij / (z_j + ε sign(z_j))  R_j,   sign(0) = 1",
    assumes: RULES,
    misleads:
      "ε swallows relevance: the larger it is, the sparser and calmer the map and the more is missing (`delta`). The default of 1e-7 is that of iNNvestigate and hardly differs from lrp.z; 0.01 to 0.25 is common.",
  },
  "lrp.epsilon_IB": {
    formula: "R_i = Σ_j  x_i w_ij / (z_j − b_j + ε sign)  R_j",
    assumes: RULES,
    misleads: "As lrp.epsilon, without the biases' part.",
  },
  "lrp.stdxepsilon": {
    formula: "as lrp.epsilon with  ε = stdfactor · std(x)  of each layer's input",
    assumes: RULES,
    misleads:
      "The deviation is that of the whole batch, as in SIGNXAI: a sample's map depends on the samples beside it. Explain one at a time where that matters.",
  },
  "lrp.w_square": {
    formula: "R_i = Σ_j  w_ij² / Σ_i' w_i'j²  R_j",
    assumes: RULES,
    misleads:
      "The input's values play no part: in upper layers the map loses what the sample was. Made for the first layer, where pixels may be anything.",
  },
  "lrp.flat": {
    formula: "R_i = Σ_j  1 / (number of i in j)  R_j",
    assumes: RULES,
    misleads:
      "Neither values nor weights play a part: it only smooths. Made for the first layer; alone it shows receptive fields.",
  },
  "lrp.alpha_beta": {
    formula:
      "R_i = Σ_j ( α (x_i w_ij)+ / z_j+  −  β (x_i w_ij)- / z_j- ) R_j,   α − β = 1\n      z+ = Σ_i (x_i w_ij)+ + b+,   z- likewise",
    assumes: RULES,
    misleads:
      'With β above 0 what speaks against is amplified at every layer, which in deep networks drowns the rest. iNNvestigate adds the whole bias to both denominators (`compat: "innvestigate"` gives its numbers).',
  },
  "lrp.alpha_2_beta_1": {
    formula: "lrp.alpha_beta with α = 2, β = 1",
    assumes: RULES,
    misleads: "As lrp.alpha_beta.",
  },
  "lrp.alpha_2_beta_1_IB": {
    formula: "lrp.alpha_beta with α = 2, β = 1, b = 0 in the denominators",
    assumes: RULES,
    misleads: "As lrp.alpha_beta.",
  },
  "lrp.alpha_1_beta_0": {
    formula: "lrp.alpha_beta with α = 1, β = 0:   R_i = Σ_j  (x_i w_ij)+ / z_j+  R_j",
    assumes: RULES,
    misleads: POSITIVE,
  },
  "lrp.alpha_1_beta_0_IB": {
    formula: "lrp.alpha_beta with α = 1, β = 0, b = 0 in the denominators",
    assumes: RULES,
    misleads: POSITIVE,
  },
  "lrp.z_plus": {
    formula: "R_i = Σ_j  (x_i w_ij)+ / Σ_i' (x_i' w_i'j)+  R_j",
    assumes: RULES,
    misleads: POSITIVE,
  },
  "lrp.z_plus_fast": {
    formula: "R_i = Σ_j  x_i w_ij+ / Σ_i' x_i' w_i'j+  R_j",
    assumes: `${RULES} Inputs of all layers that are not negative, as behind relus.`,
    misleads: `${POSITIVE} Where inputs are negative it is not lrp.z_plus, and not sensible.`,
  },
  "lrp.sequential_preset_a": {
    formula: "dense layers: lrp.epsilon (ε = 0.1);   convolutions: lrp.alpha_1_beta_0",
    assumes: RULES,
    misleads: `${POSITIVE} That is so for the convolutions; ε 0.1 takes some relevance in the dense layers.`,
  },
  "lrp.sequential_preset_b": {
    formula: "dense layers: lrp.epsilon (ε = 0.1);   convolutions: lrp.alpha_2_beta_1",
    assumes: RULES,
    misleads: "As lrp.alpha_beta for many convolutions on each other.",
  },
  "lrp.sequential_preset_a_flat": {
    formula: "lrp.sequential_preset_a, with lrp.flat for the layer at the input",
    assumes: RULES,
    misleads:
      "The flat rule smears relevance over the first layer's window: edges of the map are softer than the network's eyes.",
  },
  "lrp.sequential_preset_b_flat": {
    formula: "lrp.sequential_preset_b, with lrp.flat for the layer at the input",
    assumes: RULES,
    misleads: "As lrp.sequential_preset_b, smeared over the first layer's window.",
  },
  "lrp.sequential_preset_b_flat_until_idx": {
    formula: "lrp.sequential_preset_b, with lrp.flat for model.layers[0 … untilLayerIdx]",
    assumes: RULES,
    misleads: "The later the index, the less of the sample is left in the map.",
  },
  "lrp.rule_until_index": {
    formula: "untilLayerRule for model.layers[0 … untilLayerIdx], lrp.sequential_preset_b_flat for the rest",
    assumes: RULES,
    misleads: "As the rules that are chosen.",
  },
  "lrp.sign": {
    formula: "lrp.z, but at the input  R_i = sign(x_i) Σ_j  w_ij / z_j  R_j,   sign(0) = 1",
    assumes: RULES,
    misleads:
      "Dark and bright count alike, which is its point: but the sum of the map means nothing, and noise around 0 flips signs.",
  },
  "lrp.sign_mu": {
    formula: "lrp.sign with  sign(x) = −1 below mu, 1 from mu on",
    assumes: RULES,
    misleads: "As lrp.sign; choose mu as the value that carries no information.",
  },
  "lrp.gamma": {
    formula:
      "R_i = Σ_j  (x_i+ (w + γ w+) + x_i- (w + γ w-)) / (…)  R_j  where z_j > 0,  mirrored where z_j < 0",
    assumes: RULES,
    misleads: "Between lrp.z (γ = 0) and lrp.z_plus (γ large), with the faults of the nearer one.",
  },
  "lrp.epsilon_plus": {
    formula: "dense layers: lrp.epsilon;   convolutions: lrp.z_plus",
    assumes: RULES,
    misleads: POSITIVE,
  },
  "lrp.epsilon_plus_flat": {
    formula: "lrp.epsilon_plus, with lrp.flat for the first layer with weights",
    assumes: RULES,
    misleads: `${POSITIVE} The first layer's window is smeared over.`,
  },
  "lrp.epsilon_alpha2_beta1": {
    formula: "dense layers: lrp.epsilon;   convolutions: lrp.alpha_2_beta_1",
    assumes: RULES,
    misleads: "As lrp.alpha_beta for many convolutions on each other.",
  },
  "lrp.epsilon_alpha2_beta1_flat": {
    formula: "lrp.epsilon_alpha2_beta1, with lrp.flat for the first layer with weights",
    assumes: RULES,
    misleads: "As lrp.epsilon_alpha2_beta1, smeared over the first layer's window.",
  },
  "lrp.epsilon_gamma_box": {
    formula:
      "dense layers: lrp.epsilon;   convolutions: lrp.gamma;   the first of them z^B:\n      R_i = Σ_j (x_i w_ij − low w_ij+ − high w_ij-) / (…) R_j",
    assumes: `${RULES} Inputs that lie between low and high.`,
    misleads: "With low and high that are not those of the input, the first layer's shares are arbitrary.",
  },
  excitation_backprop: {
    formula:
      "layers with weights: lrp.z_plus;   sums and average pooling: in proportion;   elsewhere the gradient",
    assumes: FEED_FORWARD,
    misleads: POSITIVE,
  },
  deep_taylor: {
    formula: "hidden layers: lrp.alpha_1_beta_0_IB;   a layer without activation: lrp.w_square",
    assumes: `${FEED_FORWARD} Relus, and a positive output to explain: a negative one is explained as 0.`,
    misleads: POSITIVE,
  },
  "deep_taylor.bounded": {
    formula:
      "deep_taylor, with z^B for the layer at the input:  R_i = Σ_j (x_i w_ij − low w_ij+ − high w_ij-) / (…) R_j",
    assumes: `${FEED_FORWARD} Relus, a positive output, and inputs that lie between low and high.`,
    misleads: `${POSITIVE} With low and high that are not those of the input, the first layer's shares are arbitrary.`,
  },
  grad_cam: {
    formula: "R = relu( Σ_c  mean over places of (d f / d A_c)  ·  A_c ),   A: a layer's channels",
    assumes: "A convolution whose output still has places; global pooling behind it is what it was made for.",
    misleads: `${COARSE} With several layers between it and the output the mean gradient is a rough weight; what speaks against is cut off (\`rectify\`).`,
  },
  grad_cam_pp: {
    formula: "as grad_cam with weights  Σ_places  α · (d f / d A_c)+,   α = g² / (2 g² + Σ A g³)",
    assumes: "As grad_cam; made for several objects of one class in a picture.",
    misleads: COARSE,
  },
  guided_grad_cam: {
    formula: "R = guided_backprop · grad_cam",
    assumes: "As guided_backprop and grad_cam.",
    misleads:
      "The fine detail is guided_backprop's and as little about the class; only the place is grad_cam's.",
  },
  input: {
    formula: "R = x",
    assumes: "Nothing; the model is not even asked.",
    misleads:
      "It explains nothing: hold other methods against it, since a map that looks like it may be no more than it.",
  },
  random: {
    formula: "R = x + noise",
    assumes: "Nothing.",
    misleads: "It explains nothing: hold other methods against it.",
  },
};
