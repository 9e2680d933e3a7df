/** A training example as data sets have it: a conversation, in plain text. */

/** One turn of a conversation. */
export interface Message {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

/** A training example: a conversation whose assistant turns are to be learnt. */
export interface Example {
  readonly messages: readonly Message[];
}

/** The example of one instruction and its response. */
export function pair(instruction: string, response: string): Example {
  return {
    messages: [
      { role: "user", content: instruction },
      { role: "assistant", content: response },
    ],
  };
}
