/** Support for tests of whatever uses decoders: tiny models, and what training computes of a text. */
export { rounded } from "./rounded.ts";
export { randomModel, spread, tinyModel, tinySizes } from "./tiny.ts";
export { wholeLogits } from "./whole.ts";
