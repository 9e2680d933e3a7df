/**
 * Progress of something that takes a while: a bar with the time left that moves in place, in a
 * notebook or on a terminal, and ends as one line; in a log, a line a minute.
 *
 * Knows counting and clocks. It does not know what is counted.
 */
import process from "node:process";
import { escapeHtml, inNotebook, liveDisplay } from "./display.ts";
import { throwIfInterrupted } from "./interrupt.ts";
import { plainText } from "./terminal.ts";

export interface Progress {
  /**
   * Says how many of `total` are done; `note` stands beside the bar ("loss 1.23").
   * @throws the interrupt where the reader stopped the cell: what is counted ends here.
   */
  update(done: number, note?: string): void;
  /** Ends the bar; what remains is the line "label: total in 12 s". */
  done(note?: string): Promise<void>;
}

const NOTEBOOK_MS = 250;
const TERMINAL_MS = 100;
/** A log gets a line now and then; short work, its last line alone. */
const LOG_MS = 60_000;

/**
 * Opens a progress bar.
 *
 * @param label what is done, in two or three words.
 * @param total how many there are, in whatever unit; for example steps.
 * @example
 * const bar = progress("tuning", 500);
 * for (let step = 1; step <= 500; step++) bar.update(step, `loss ${loss.toFixed(2)}`);
 * await bar.done();
 */
export function progress(label: string, total: number): Progress {
  const started = performance.now();
  const notebook = inNotebook(), terminal = process.stderr.isTTY;
  const place = liveDisplay();
  const pause = notebook ? NOTEBOOK_MS : terminal ? TERMINAL_MS : LOG_MS;
  let last = started - (pause === LOG_MS ? 0 : pause);
  const show = async (done: number, note: string, ended: boolean) => {
    const seconds = (performance.now() - started) / 1000;
    const state = { label, done, total, seconds, note, ended };
    const text = plainText(progressText(state));
    const bundle = { "text/plain": text, "text/html": progressHtml(state) };
    if (notebook) await place(() => bundle, { progress: { done, total } });
    else if (terminal) process.stderr.write(`\r\x1b[K${text}${ended ? "\n" : ""}`);
    else process.stderr.write(`${text}\n`);
  };
  return {
    update(done, note = "") {
      throwIfInterrupted();
      const now = performance.now();
      if (now - last < pause) return;
      last = now;
      void show(done, note, false);
    },
    done: (note = "") => show(total, note, true),
  };
}

interface State {
  readonly label: string;
  readonly done: number;
  readonly total: number;
  readonly seconds: number;
  readonly note: string;
  readonly ended: boolean;
}

/** One line: a bar of 24 characters, percent, time left, note. */
export function progressText(state: State): string {
  const { label, total, seconds, note, ended } = state;
  if (ended) return `${label}: ${total} in ${duration(seconds)}${note && ` · ${note}`}`;
  const full = Math.round(fraction(state) * 24);
  return `${label} ${"━".repeat(full)}${"─".repeat(24 - full)} ${words(state)}`;
}

function progressHtml(state: State): string {
  const style = "font:13px system-ui,sans-serif";
  if (state.ended) {
    return `<div style="${style};opacity:.75">✓ ${escapeHtml(progressText(state))}</div>`;
  }
  const percent = (fraction(state) * 100).toFixed(1);
  return `<div style="${style};display:flex;flex-wrap:wrap;gap:4px 12px;align-items:center">` +
    `<span>${escapeHtml(state.label)}</span>` +
    `<span style="flex:0 1 240px;min-width:120px;height:8px;border-radius:4px;` +
    `background:rgba(128,134,142,.25)"><span style="display:block;height:8px;border-radius:4px;` +
    `background:#2b85c9;width:${percent}%"></span></span>` +
    `<span style="opacity:.75;font-variant-numeric:tabular-nums">` +
    `${escapeHtml(words(state))}</span></div>`;
}

/** Percent, time left, note. */
function words(state: State): string {
  const share = fraction(state), { seconds, note } = state;
  const left = share > 0 ? `${duration(seconds * (1 - share) / share)} left` : "starting";
  return `${Math.floor(share * 100)} % · ${left}${note && ` · ${note}`}`;
}

function fraction({ done, total }: State): number {
  return total > 0 ? Math.min(1, Math.max(0, done / total)) : 0;
}

/** Seconds in words: "0.4 s", "12 s", "3 min 20 s", "1 h 05 min". */
export function duration(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const minutes = Math.round(whole / 60);
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}
