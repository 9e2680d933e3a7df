/**
 * JupyterLab as a program: found, and started with the project's kernels.
 *
 * Knows its command line. It does not know browsers or notebooks.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { delimiter, join } from "node:path";
import process from "node:process";
import { registerKernels } from "./kernels.ts";

/**
 * Starts JupyterLab on the notebooks of a folder, with both kernels known to it, leaving the reader's
 * own Jupyter as it is. With this process's terminal, which it gets unless `stdio` says otherwise, it
 * asks at Ctrl-C whether to end; without one it is to be ended with SIGTERM. Both end its kernels.
 *
 * @param options.args further arguments of `jupyter lab`
 * @throws when JupyterLab is missing; of a port that is taken it tells the reader itself, and ends.
 */
export async function startLab(
  root: string,
  options: { folder: string; port?: number; args?: readonly string[]; stdio?: "inherit" | "pipe" },
): Promise<ChildProcess> {
  const { folder, port, args = [], stdio = "inherit" } = options;
  requireLab();
  const shelf = join(root, ".cache", "jupyter");
  await registerKernels(root, shelf);
  const path = [shelf, process.env.JUPYTER_PATH].filter(Boolean).join(delimiter);
  const ports = port === undefined ? [] : [`--port=${port}`, "--ServerApp.port_retries=0"];
  return spawn("jupyter", ["lab", ...ports, ...args, folder], {
    cwd: root,
    env: { ...process.env, JUPYTER_PATH: path },
    stdio: [stdio === "inherit" ? "inherit" : "ignore", stdio, stdio],
  });
}

/** Makes the kernels known to the reader's own Jupyter, for every project. */
export async function registerForUser(root: string): Promise<string> {
  requireLab();
  const { stdout } = spawnSync("jupyter", ["--data-dir"], { encoding: "utf8" });
  await registerKernels(root, stdout.trim());
  return stdout.trim();
}

function requireLab(): void {
  if (spawnSync("jupyter", ["lab", "--version"]).status === 0) return;
  throw new Error(
    'Expected JupyterLab but found no "jupyter lab" on the PATH. Install it with\n' +
      "  conda env create -f environment.yml && conda activate implicit\n" +
      "or with: pip install jupyterlab. (deno task reproduce needs no Jupyter.)",
  );
}
