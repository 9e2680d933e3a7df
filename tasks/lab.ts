/**
 * `deno task lab`: JupyterLab on the notebooks, with both kernels.
 */
import { join, resolve } from "node:path";
import process from "node:process";
import { Command } from "commander";
import { registerForUser, startLab } from "@implicit/notebook";

const command = new Command("deno task lab")
  .description(
    "Open the notebooks in JupyterLab with both kernels, Deno and tslab.\n" +
      "Needs JupyterLab (environment.yml); fetches tslab the first time.",
  )
  .option("--port <n>", "port to listen on (default: the first free one from 8888)")
  .option("--no-browser", "do not open a browser")
  .option("--register", "only make both kernels known to your own Jupyter, and stop")
  .parse();
const options = command.opts<{ port?: string; browser: boolean; register?: boolean }>();
const root = resolve(import.meta.dirname!, "..");

try {
  if (options.register) {
    console.log(`Both kernels are registered in ${await registerForUser(root)}`);
    process.exit(0);
  }
  const port = options.port === undefined ? undefined : Number(options.port);
  if (port !== undefined && !(Number.isInteger(port) && port > 0 && port < 65536)) {
    throw new Error(`Expected --port from 1 to 65535 but found "${options.port}".`);
  }
  console.log("Ctrl-C stops JupyterLab. Interrupting a cell keeps its finished runs.");
  const args = [
    ...(options.browser ? [] : ["--no-browser"]),
    ...(process.getuid?.() === 0 ? ["--allow-root"] : []),
  ];
  const lab = await startLab(root, {
    folder: join(root, "notebooks"),
    args,
    ...(port === undefined ? {} : { port }),
  });
  process.on("SIGINT", () => {}); // JupyterLab asks the reader and ends by itself
  lab.on("exit", (code) => process.exit(code ?? 0));
} catch (error) {
  console.error((error as Error).message);
  process.exit(1);
}
