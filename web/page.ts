/**
 * The page: starts the worker with its files, and shows the step that the address names. Knows steps
 * by name; what they show is theirs.
 */
import { readFiles } from "./assets.ts";
import { Client } from "./client.ts";
import { make } from "./elements.ts";
import type { Session, Step } from "./session.ts";
import { ask } from "./steps/ask.ts";
import { compare } from "./steps/compare.ts";
import { rules } from "./steps/rules.ts";
import { tuning } from "./steps/tune.ts";

const steps: readonly Step[] = [ask, rules, tuning, compare];
const main = document.getElementById("step")!;
const status = document.getElementById("status")!;

/** What a browser must have, by what is missing where it has not. */
const needs: Readonly<Record<string, () => boolean>> = {
  "Web Workers": () => typeof Worker === "function",
  // (module (func (result v128) i32.const 0 i8x16.splat))
  "WebAssembly with SIMD": () =>
    typeof WebAssembly === "object" &&
    WebAssembly.validate(Uint8Array.of(
      ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0],
      ...[10, 8, 1, 6, 0, 65, 0, 253, 15, 11],
    )),
  "DecompressionStream": () => typeof DecompressionStream === "function",
};

/** How long a sentence stands over the page. */
const SAID_MS = 12_000;
let saying: ReturnType<typeof setTimeout> | undefined;

function say(text: string): void {
  status.textContent = text;
  clearTimeout(saying);
  saying = setTimeout(() => status.textContent = "", SAID_MS);
}

function refuse(text: string): void {
  main.replaceChildren(make("p", { class: "lead wrong", role: "alert" }, text));
}

async function start(): Promise<void> {
  const missing = Object.keys(needs).filter((name) => !needs[name]!());
  if (missing.length > 0) {
    return refuse(
      `Expected a browser with ${
        missing.join(" and ")
      }, which this one has not: a current Chrome, ` +
        "Edge, Firefox or Safari shows the page.",
    );
  }
  const { files, worker } = await readFiles((share) =>
    say(`Loading, ${Math.round(100 * share)} %`)
  );
  const client = new Client(new Worker(worker), say);
  const opened = await client.call("open", { files });
  const session: Session = {
    client,
    opened,
    experiments: [...opened.experiments],
    unfinished: opened.unfinished,
    untuned: new Map(),
    instruction: opened.prompts[0]!.instruction,
    say,
  };
  say(opened.notes.join(" "));
  const show = () => {
    const name = location.hash.slice(1).split("?")[0];
    const step = steps.find((one) => one.name === name) ?? ask;
    document.getElementById("steps")!.replaceChildren(
      ...steps.map((one) =>
        make("a", { href: `#${one.name}`, "aria-current": one === step && "step" }, one.title)
      ),
    );
    const next = steps[steps.indexOf(step) + 1];
    main.replaceChildren(
      step.show(session),
      next ? make("p", {}, make("a", { href: `#${next.name}` }, `Next: ${next.title} →`)) : "",
    );
  };
  addEventListener("hashchange", () => {
    say("");
    show();
    main.focus({ preventScroll: true });
    scrollTo(0, 0);
  });
  show();
}

/** Links within the page: in a frame made of text, the browser would lead them out of it. */
document.addEventListener("click", (event) => {
  const link = (event.target as Element).closest<HTMLAnchorElement>("a[href^='#']");
  if (!link) return;
  event.preventDefault();
  if (link.hash === `#${main.id}`) main.focus();
  else location.hash = link.hash;
});

start().catch((error) => refuse(error instanceof Error ? error.message : String(error)));
