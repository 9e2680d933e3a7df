/** A vLLM server as a scale's, for bases that are too large for this machine. */
import { vllmDecoder } from "@implicit/handover";
import type { Server } from "./scale.ts";
import type { Settings } from "./settings.ts";

/** The server that {@link Settings.server} names. */
export function serverOf({ url, served }: NonNullable<Settings["server"]>): Server {
  return {
    name: `vLLM, ${url}`,
    open: (model, rules) => vllmDecoder(model, { url, served, rules }),
  };
}
