/** The Python that tests run what is handed over with: IMPLICIT_PYTHON, else python3. */
import { execFile } from "node:child_process";
import process from "node:process";
import { promisify } from "node:util";

const run = promisify(execFile);
const command = process.env.IMPLICIT_PYTHON ?? "python3";

/** Runs it, on one thread, with nothing of the hub. */
export function python(args: readonly string[], cwd?: string) {
  const env = { ...process.env, OMP_NUM_THREADS: "1", HF_HUB_OFFLINE: "1", PYTHONPATH: "" };
  return run(command, args, { cwd, env, maxBuffer: 2 ** 27 });
}

/** What this Python lacks of these modules, for a test's line that it skips; null if nothing. */
export async function pythonWith(...modules: string[]): Promise<string | null> {
  try {
    await run(command, [
      "-c",
      `import importlib.util as u, sys
missing = [m for m in sys.argv[1:] if not u.find_spec(m)]
sys.exit(f"no {missing[0]} in this Python (IMPLICIT_PYTHON names another)" if missing else 0)`,
      ...modules,
    ]);
    return null;
  } catch (error) {
    return (error as { stderr?: string }).stderr?.trim() || `no ${command}`;
  }
}
