/**
 * Finds the tfjs backend that the eager engine runs on: the fastest of those whose packages are
 * installed. It knows their packages, and nothing of what they run.
 *
 * @module
 */
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { mendUtil } from "./foreign.ts";

/** Packages that bring a backend faster than plain JavaScript, and its name; the fastest first. */
const fastest: Readonly<Record<string, string>> = {
  "@tensorflow/tfjs-node-gpu": "tensorflow",
  "@tensorflow/tfjs-node": "tensorflow",
  "@tensorflow/tfjs-backend-wasm": "wasm",
};

/**
 * Makes the fastest backend that is installed the active one, unless one other than plain JavaScript
 * is active already.
 *
 * @throws where a package is installed but does not load, or its backend does not start.
 */
export async function chooseBackend(packages = fastest): Promise<void> {
  if (tf.getBackend() !== "cpu") return;
  mendUtil();
  for (const [name, backend] of Object.entries(packages)) {
    const reason = await load(name, backend);
    if (reason === null) return;
    if (reason === "absent") continue;
    throw new Error(
      `Expected ${name} to bring the tfjs backend "${backend}", but found: ${reason} Install it ` +
        "anew, its install scripts allowed, or remove it.",
    );
  }
}

/** null if the package's backend is active now, "absent" if it is not installed, or what went wrong. */
async function load(name: string, backend: string): Promise<string | null> {
  try {
    await import(name);
    if (await tf.setBackend(backend)) return null;
    await tf.setBackend("cpu");
    return "it did not start.";
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const named = message.includes(`"${name}"`) || message.includes(`'${name}'`);
    if (code === "ERR_MODULE_NOT_FOUND" && named) return "absent";
    return message.replace(/\.?$/, ".");
  }
}
