/**
 * The vLLM server that the environment names, for bases that are too large for this machine:
 * IMPLICIT_SERVER, its URL up to the version, and IMPLICIT_SERVER_MODEL, what it calls the base.
 */
import process from "node:process";
import { checkBaseUrl } from "@implicit/alpaca-eval";
import { vllmDecoder } from "@implicit/handover";
import type { Server } from "./scale.ts";

/**
 * Null where none is named.
 *
 * @throws where IMPLICIT_SERVER is no URL, or one with a password or key in it.
 */
export function readServer(
  env: Readonly<Record<string, string | undefined>> = process.env,
): Server | null {
  const { IMPLICIT_SERVER: url, IMPLICIT_SERVER_MODEL: served } = env;
  if (!url) return null;
  checkBaseUrl(url); // before it is shown anywhere
  return {
    name: `vLLM, ${url}`,
    open: (model, rules) => vllmDecoder(model, { url, served: served || undefined, rules }),
  };
}
