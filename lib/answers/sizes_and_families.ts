/**
 * Sizes and families: does implicit tuning work for larger bases as for smaller ones, and in blocks of
 * other kinds, read the same tokens in the same order? Figure 5's correlation for each.
 */
import { recipe } from "@implicit/world";
import { arms } from "../study/arm.ts";
import { similarity } from "../study/similarity.ts";
import { both, following, ranking } from "./measures.ts";
import { type Cell, crossed, type Plan } from "./plan.ts";
import { type BaseRecipe, studySize, studyTokens } from "./pretrained.ts";

const { model } = recipe;
const wider = { ...model, hiddenSize: 192, layers: 6, intermediateSize: 512 };
const narrower = { ...model, hiddenSize: 64, layers: 2, intermediateSize: 176 };

/** What is pretrained, by name: a size in parameters, or a family of half a million. */
const bases: Readonly<Record<string, Pick<BaseRecipe, "size" | "config">>> = {
  "0.2 M": { size: narrower },
  "0.5 M": { size: studySize },
  "1 M": { size: model },
  "3 M": { size: wider },
  // What a Llama's config.json says and these have not is taken out of it with null.
  OLMo: { size: studySize, config: { model_type: "olmo", rms_norm_eps: null } },
  // Two matrices in its feed-forward part, where the others have three.
  "GPT-NeoX": {
    size: { ...studySize, intermediateSize: 384 },
    config: {
      model_type: "gpt_neox",
      hidden_act: "gelu",
      layer_norm_eps: 1e-5,
      rms_norm_eps: null,
      num_key_value_heads: null,
    },
  },
  Qwen: { size: studySize, config: { model_type: "qwen3", head_dim: 24 } },
};

const compared = {
  base: arms.base,
  "instruction tuning": arms.instructionTuning,
  "response tuning": arms.responseTuning,
  poems: arms.singleTask("poems"),
  rules: arms.rules(),
};
type ArmName = keyof typeof compared;

interface SizeCell extends Cell {
  readonly factors: { readonly model: string; readonly arm: ArmName };
}

export const sizesAndFamilies: Plan<SizeCell> = {
  name: "sizes-and-families",
  question: "Does it depend on the size of the base, or on its architecture?",
  expected:
    "Response tuning comes nearer to instruction tuning as bases grow; the four kinds of blocks " +
    "do not differ by more than bases of one kind do.",
  contradicted:
    "The gap between response and instruction tuning grows with the size; or one family's " +
    "interval lies apart from the others'.",
  code: "lib/answers/sizes_and_families.ts",
  cells(size) {
    const isSmoke = size === "smoke";
    return crossed({
      seed: isSmoke ? [1] : [1, 2, 3],
      model: isSmoke ? ["0.2 M", "OLMo", "GPT-NeoX", "Qwen"] : Object.keys(bases),
      arm: Object.keys(compared) as ArmName[],
    }).map(({ seed, model, arm }) => ({
      factors: { model, arm },
      base: {
        name: model,
        seed,
        tokens: isSmoke ? 50_000 : studyTokens,
        corpus: recipe.corpus,
        ...bases[model]!,
      },
      seed: 1,
    }));
  },
  async measure(study, { factors, seed }) {
    const arm = compared[factors.arm];
    const follows = await following(study, arm, seed);
    if (factors.arm === "rules") return follows;
    const measured = both(follows, await ranking(study, arm, seed));
    if (factors.arm !== "poems") return measured;
    const { spearman } = await similarity(study, "poems", seed);
    return both(measured, { figures: { spearman } });
  },
};
