/**
 * The chat template: the plain-text tags between which an instruction and its response stand.
 *
 * The tags are ordinary text, not special tokens: a base model has never been taught them. This
 * module does NOT know of tokenizers. Source: paper §3.1 and appendix B; the authors' code
 * (create_prompt_with_tulu_chat_format).
 */

/** The opening tag of each role, with the newline that ends it. */
export interface ChatTemplate {
  readonly name: string;
  readonly user: string;
  readonly assistant: string;
  /** Defaults to `"<|system|>\n"`; the paper's data have no system message. */
  readonly system?: string;
}

/**
 * tulu: the paper's. ab: tags without meaning (appendix B). swapped: each role under the other's
 * tag. none: no tags, only the newline that ends the instruction.
 */
export const templates: Record<"tulu" | "ab" | "swapped" | "none", ChatTemplate> = {
  tulu: { name: "tulu", user: "<|user|>\n", assistant: "<|assistant|>\n" },
  ab: { name: "ab", user: "<|A|>\n", assistant: "<|B|>\n" },
  swapped: { name: "swapped", user: "<|assistant|>\n", assistant: "<|user|>\n" },
  none: { name: "none", user: "", assistant: "", system: "" },
};

/**
 * The evaluation prompt: instruction in its tags, then the assistant's opening tag. The
 * instruction is NOT stripped, while training strips it: so does the authors' code.
 *
 * @example
 * formatPrompt(templates.tulu, "Hi"); // "<|user|>\nHi\n<|assistant|>\n"
 */
export function formatPrompt(template: ChatTemplate, instruction: string): string {
  return template.user + instruction + "\n" + template.assistant;
}
