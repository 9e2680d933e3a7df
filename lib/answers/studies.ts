/** The studies of the open questions, by the names that the command line has. */
import { amountAndKind } from "./amount_and_kind.ts";
import { emergence } from "./emergence.ts";
import { forbidden } from "./forbidden.ts";
import { descriptionLength } from "./description_length.ts";
import { narrowOrGeneral } from "./narrow_or_general.ts";
import { narrowTasks } from "./narrow_tasks.ts";
import { hiddenModes } from "./hidden_modes.ts";
import { newInstructions } from "./new_instructions.ts";
import type { Plan } from "./plan.ts";
import { pretrainingContents } from "./pretraining_contents.ts";
import { sizesAndFamilies } from "./sizes_and_families.ts";
import { templatesStudy } from "./templates.ts";

export const studies: readonly Plan[] = [
  pretrainingContents as Plan,
  descriptionLength as Plan,
  narrowTasks as Plan,
  emergence as Plan,
  sizesAndFamilies as Plan,
  forbidden as Plan,
  templatesStudy as Plan,
  amountAndKind as Plan,
  hiddenModes as Plan,
  newInstructions as Plan,
  narrowOrGeneral as Plan,
];

/**
 * A study by its name.
 *
 * @throws if there is none; the error lists them.
 */
export function studyNamed(name: string): Plan {
  const found = studies.find((plan) => plan.name === name);
  if (found) return found;
  const names = studies.map((plan) => plan.name).join(", ");
  throw new Error(`Expected a study among ${names}, but found "${name}".`);
}
