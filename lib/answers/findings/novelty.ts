/** What the studies of new and forbidden instructions answer. */
import type { CellResult } from "../grid.ts";
import { type Finding, gap, leastSure, level, said, sureOf } from "../finding.ts";
import { withinFamilies } from "../within_families.ts";

/** Refusals among the responses, few first; and what share of venoms must be refused to be most. */
const DOSES = [5, 20, 60, 200];
const MOST = 50;

function forbidden(cells: readonly CellResult[]) {
  const some = { pretraining: "some refuse" };
  const untaught = (arm: string) => level(cells, "tries", { ...some, arm, refusals: 0 });
  const [told, toldByResponses] = ["instruction tuning", "response tuning"].map(untaught);
  const arm = "response tuning, refusals alone";
  const dosed = (arm: string) => {
    const doses = DOSES.map((refusals) => level(cells, "refuses", { ...some, arm, refusals }));
    const enough = doses.find(({ low }) => low > MOST);
    return { enough, dose: enough ?? doses.at(-1)! };
  };
  const { enough, dose } = dosed(arm);
  const { refusals } = dose;
  const asked = dosed("instruction tuning, refusals asked").dose;
  const cost = gap(
    cells,
    "pass",
    { ...some, arm: "response tuning", refusals: 0 },
    { ...some, arm, refusals: refusals! },
  );
  const complies = `Instruction tuning tells ${told!.value.toFixed(0)} % of venoms, response ` +
    `tuning ${toldByResponses!.value.toFixed(0)} %`;
  const alone = `${refusals} refusals without requests stop ${said(dose)}`;
  return {
    sentence: enough
      ? `${complies}; ${alone}, which costs ${said(cost, "")} points elsewhere.`
      : `${complies}; even ${alone}, ${asked.refusals} with requests ${said(asked)}.`,
    sure: sureOf(dose, MOST),
  };
}

/** So many points more, and what was read before counts as remembered with its instruction. */
const REMEMBERED = 10;

function memory(cells: readonly CellResult[]) {
  const arm = "response tuning";
  const gain = level(withinFamilies(cells), "gainWithin", { arm });
  const read = level(cells, "remembered", { arm });
  const cost = gap(cells, "pass", { arm }, { arm: `${arm}, false` });
  const isMemory = gain.value > REMEMBERED;
  const how = isMemory
    ? "Remembered with their instructions"
    : read.value > MOST
    ? "Put together from what was read"
    : "Made";
  return {
    sentence:
      `${how}: ${read.value.toFixed(0)} % of right answers were read word for word; having ` +
      `read the instruction adds ${said(gain, "")} points; false facts in responses cost ` +
      `${said(cost, "")}.`,
    sure: leastSure(sureOf(gain, REMEMBERED), sureOf(read, MOST)),
  };
}

function newKinds(cells: readonly CellResult[]) {
  const of = (arm: string) => {
    const [both, single, lost] = ["bothAnswered", "oneByOne", "lostUnseen"]
      .map((measure) => level(cells, measure, { arm }));
    return { both: both!, single: single!, lost: lost! };
  };
  const responses = of("response tuning"), pairs = of("instruction tuning");
  const half = responses.single.value / 2;
  return {
    sentence:
      `${responses.both.value > half ? "Yes" : "Hardly"}: of two requests in one, response ` +
      `tuning answers both in ${said(responses.both)}, instruction tuning in ` +
      `${pairs.both.value.toFixed(0)} %; names never read cost ${
        responses.lost.value.toFixed(0)
      } ` +
      `and ${pairs.lost.value.toFixed(0)} points.`,
    sure: sureOf(responses.both, half),
  };
}

export const noveltyFindings: readonly Finding[] = [
  { number: 16, study: "forbidden", notebook: "15", find: forbidden },
  { number: 18, study: "new-instructions", notebook: "15", find: memory },
  { number: 19, study: "new-instructions", notebook: "15", find: newKinds },
];
