/**
 * Engines that run where one machine is not enough: a vLLM server as a decoder.
 *
 * @module
 */
export type { ServerOptions } from "./http.ts";
export { vllmDecoder, type VllmOptions } from "./vllm.ts";
