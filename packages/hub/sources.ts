/**
 * The paper's data sets: where each comes from and how a row becomes an example, after the authors'
 * scripts (their quirks are kept and said). Those of the single tasks are in single_tasks.ts. Does NOT
 * know of templates or tokenizers.
 */
import { type Message, pair } from "./example.ts";
import { type DatasetSource, textOf, Unfit } from "./dataset.ts";
import {
  chess,
  chessWithoutComments,
  gsm8k,
  markdownRecipes,
  mbpp,
  poetry,
  recipes,
} from "./single_tasks.ts";

/** An instruction to be answered and judged, not trained on. */
export interface Instruction {
  readonly instruction: string;
  /** The answer it is compared with, where the data set has one. */
  readonly reference: string | null;
  /** Which of the collected sets it is from, or null. */
  readonly group: string | null;
}

/** LIMA (gated: accept its terms once). 1,030 dialogues, 30 of several turns. */
const lima: DatasetSource = {
  name: "lima",
  from: { repository: "GAIR/lima", files: /^train\.jsonl$/ },
  columns: ["conversations"],
  expected: 1030,
  make(row, note) {
    const turns = row.conversations;
    if (!Array.isArray(turns) || !turns.every((turn) => typeof turn === "string")) {
      throw new Unfit(`"conversations" is not a list of texts`);
    }
    const paired = turns.length - turns.length % 2; // the authors' loop drops a last, unanswered turn
    if (paired === 0) throw new Unfit("a dialogue without a response");
    if (turns.some((turn, k) => k < paired && k % 2 === 1 && turn.trim() === "")) {
      throw new Unfit("an empty response");
    }
    if (paired < turns.length) note("an odd number of turns: the last one is dropped");
    const messages = turns.slice(0, paired).map((content: string, k): Message => ({
      role: k % 2 === 0 ? "user" : "assistant",
      content,
    }));
    return { messages };
  },
};

/** Conversations as open-instruct and the authors store them: `messages` of role and content. */
const messages: DatasetSource = {
  name: "conversations",
  from: "any source (rows: messages, a list of {role, content})",
  columns: ["messages"],
  make(row, note) {
    const turns = row.messages;
    if (!Array.isArray(turns) || !turns.every(isMessage)) {
      throw new Unfit(`"messages" is not a list of {role, content}`);
    }
    if (!turns.some((turn) => turn.role === "assistant")) {
      throw new Unfit("a conversation without a response");
    }
    if (turns.some((turn) => "content_old" in turn)) note("a response rewritten not to restate");
    return { messages: turns.map(({ role, content }) => ({ role, content })) };
  },
};

/**
 * LIMA without restatements (App. C): the authors had GPT-4 find 99 responses that open with one
 * and rewrite them. Their check never saw the first dialogue, hence 1,029; 98 dialogues hold the 99.
 */
const limaNoRephrase: DatasetSource = {
  ...messages,
  name: "lima_rephrased",
  from: "github.com/john-hewitt/implicit-ins, new_lima/lima_rephrased.jsonl",
  expected: 1029,
};

/**
 * Stanford Alpaca, for response ranking: the first 1,000 in file order, empty outputs kept.
 * The authors wrap instruction and input in one of 28 templates drawn at random (open-instruct's);
 * here it is the plainest of them: instruction, empty line, input. {@link alpacaInTemplates} has
 * the authors' own prompts.
 */
const alpaca: DatasetSource = {
  name: "alpaca",
  from: { repository: "tatsu-lab/alpaca", files: /^data\/train-.*\.parquet$/ },
  columns: ["instruction", "input", "output"],
  take: 1000,
  expected: 1000,
  make(row) {
    const instruction = textOf(row, "instruction");
    const input = textOf(row, "input", { empty: true });
    const output = textOf(row, "output", { empty: true });
    return pair(input ? `${instruction}\n\n${input}` : instruction, output);
  },
};

/**
 * The same 1,000 as the authors ranked them, each in the template that was drawn for it: the file
 * that open-instruct makes of Alpaca. The templates are that project's, and not repeated here.
 */
const alpacaInTemplates: DatasetSource = {
  ...messages,
  name: "alpaca, in open-instruct's templates",
  from:
    "github.com/allenai/open-instruct, whose reformat_datasets.py writes stanford_alpaca_data.jsonl",
  take: 1000,
  expected: 1000,
};

/** AlpacaEval's 805 instructions with the baseline's outputs (the test set, in its order). */
const alpacaEval: DatasetSource<Instruction> = {
  name: "alpaca_eval",
  from: { repository: "tatsu-lab/alpaca_eval", files: /^alpaca_eval\.json$/ },
  columns: ["instruction", "output"],
  expected: 805,
  make(row) {
    const given = (value: unknown) => typeof value === "string" ? value : null;
    return {
      instruction: textOf(row, "instruction"),
      reference: given(row.output),
      group: given(row.dataset),
    };
  },
};

/** The authors' 56 validation instructions (appendix D), on which epochs were chosen. */
const validation: DatasetSource<Instruction> = {
  name: "validation",
  from: "github.com/john-hewitt/implicit-ins, eval/val_eval/val.jsonl",
  columns: ["instruction"],
  expected: 56,
  make: (row) => ({ instruction: textOf(row, "instruction"), reference: null, group: null }),
};

/** Every data set by name. */
export const sources = {
  lima,
  limaNoRephrase,
  messages,
  gsm8k,
  mbpp,
  recipes,
  markdownRecipes,
  poetry,
  chess,
  chessWithoutComments,
  alpaca,
  alpacaInTemplates,
  alpacaEval,
  validation,
};

function isMessage(turn: unknown): turn is Message {
  const { role, content } = (turn ?? {}) as Partial<Message>;
  return ["system", "user", "assistant"].includes(role!) && typeof content === "string";
}
