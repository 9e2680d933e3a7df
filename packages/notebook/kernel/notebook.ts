/**
 * A notebook file (nbformat 4.5): read and checked, outputs gathered as the kernel sends them,
 * written whole.
 *
 * Knows the file format and the meaning of output messages. It does not know kernels or sockets.
 */
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { checkForm, isJson } from "./form.ts";
import type { Json, Message } from "./message.ts";
import { writeWhole } from "./write.ts";

/** MIME type → content, as in the Jupyter protocol. */
export type MimeBundle = Record<string, unknown>;

export type Output =
  | { output_type: "stream"; name: string; text: string }
  | { output_type: "display_data"; data: MimeBundle; metadata: Json }
  | { output_type: "execute_result"; data: MimeBundle; metadata: Json; execution_count: number }
  | { output_type: "error"; ename: string; evalue: string; traceback: string[] };

export interface Cell {
  readonly cell_type: "code" | "markdown" | "raw";
  readonly id?: string;
  readonly source: string;
  /** Pictures of a Markdown cell, by name: its text shows them as `attachment:name`. */
  readonly attachments?: Readonly<Record<string, MimeBundle>>;
  metadata: Json;
  outputs?: Output[];
  execution_count?: number | null;
}

export interface Notebook {
  readonly nbformat: 4;
  readonly nbformat_minor: number;
  metadata: Json;
  cells: Cell[];
}

/** Reads a notebook; its texts become single strings. @throws where it is not of nbformat 4 */
export async function readNotebook(path: string): Promise<Notebook> {
  const name = basename(path);
  let file: Json;
  try {
    file = JSON.parse(await readFile(path, "utf8")) as Json;
  } catch (error) {
    throw new Error(`Expected a notebook in ${name} but found ${(error as Error).message}.`);
  }
  if (file?.nbformat !== 4 || !Array.isArray(file.cells)) {
    const { nbformat } = file ?? {};
    const found = typeof nbformat === "number" ? nbformat : typeof nbformat; // it may be nested deeply
    throw new Error(
      `Expected nbformat 4 in ${name} but found ${found}: save it again in JupyterLab.`,
    );
  }
  checkForm(file, name);
  const cells = (file.cells as Json[]).map(
    ({ cell_type, id, source, metadata, attachments, ...code }): Cell => {
      if (cell_type !== "code" && cell_type !== "markdown" && cell_type !== "raw") {
        throw new Error(
          `Expected code, markdown or raw cells in ${name} but found "${cell_type}".`,
        );
      }
      return {
        cell_type,
        ...(id === undefined ? {} : { id: String(id) }),
        source: joined(source),
        ...(attachments === undefined ? {} : { attachments: attachments as Cell["attachments"] }),
        metadata: (metadata ?? {}) as Json,
        ...(cell_type !== "code" ? {} : {
          outputs: ((code.outputs ?? []) as Json[]).map((one) => mapTexts(one, joined)) as Output[],
          execution_count: (code.execution_count ?? null) as number | null,
        }),
      };
    },
  );
  return {
    nbformat: 4,
    nbformat_minor: Number(file.nbformat_minor ?? 0),
    metadata: (file.metadata ?? {}) as Json,
    cells,
  };
}

/** Writes a notebook whole, its texts as lines, as Jupyter does. */
export async function writeNotebook(path: string, notebook: Notebook): Promise<void> {
  const cells = notebook.cells.map((cell) => ({
    cell_type: cell.cell_type,
    ...(cell.cell_type === "code" ? { execution_count: cell.execution_count ?? null } : {}),
    ...(cell.id === undefined ? {} : { id: cell.id }),
    metadata: cell.metadata,
    ...(cell.attachments === undefined ? {} : { attachments: cell.attachments }),
    ...(cell.cell_type === "code" ? { outputs: asLines(cell.outputs ?? []) } : {}),
    source: lines(cell.source),
  }));
  await writeWhole(path, JSON.stringify({ ...notebook, cells }, null, 1) + "\n");
}

/** Gathers one notebook's outputs; display ids live across its cells. */
export class Outputs {
  readonly #displays = new Map<string, { data: MimeBundle; metadata: Json }[]>();
  /** Cells whose outputs go when the next one comes. */
  readonly #stale = new Set<Cell>();

  /** Adds what a message says to the cell's outputs, or updates an earlier display in place. */
  add(cell: Cell, message: Message): void {
    const outputs = cell.outputs ??= [];
    const { content } = message;
    const data = (content.data ?? {}) as MimeBundle;
    const metadata = (content.metadata ?? {}) as Json;
    const displayId = (content.transient as Json | undefined)?.display_id;
    if (isOutput(message) && this.#stale.delete(cell)) outputs.length = 0;
    switch (message.type) {
      case "stream": {
        const last = outputs.at(-1);
        const name = String(content.name), text = String(content.text);
        if (last?.output_type === "stream" && last.name === name) last.text += text;
        else outputs.push({ output_type: "stream", name, text });
        break;
      }
      case "display_data":
      case "execute_result": {
        const execution_count = Number(content.execution_count ?? 0);
        const output: Output = message.type === "display_data"
          ? { output_type: "display_data", data, metadata }
          : { output_type: "execute_result", data, metadata, execution_count };
        outputs.push(output);
        if (typeof displayId === "string") {
          this.#displays.set(displayId, [...this.#displays.get(displayId) ?? [], output]);
        }
        break;
      }
      case "update_display_data":
        for (const output of this.#displays.get(String(displayId)) ?? []) {
          Object.assign(output, { data, metadata });
        }
        break;
      case "error":
        outputs.push({
          output_type: "error",
          ename: String(content.ename),
          evalue: String(content.evalue),
          traceback: Array.isArray(content.traceback) ? content.traceback.map(String) : [],
        });
        break;
      case "clear_output":
        if (content.wait) this.#stale.add(cell);
        else outputs.length = 0;
        break;
    }
  }
}

const isOutput = ({ type }: Message) =>
  ["stream", "display_data", "execute_result", "error"].includes(type);

function joined(text: unknown): string {
  return Array.isArray(text) ? text.join("") : String(text ?? "");
}

function lines(text: string): string[] {
  return text === "" ? [] : text.split(/(?<=\n)/);
}

const asLines = (outputs: readonly Output[]): Json[] =>
  outputs.map((one) => mapTexts(one, (text) => typeof text === "string" ? lines(text) : text));

/** An output with its texts mapped, those of its data too; what is JSON stays as it is. */
function mapTexts(output: Json, map: (text: unknown) => unknown): Json {
  const { text, data } = output;
  const mapped = Object.entries(data ?? {})
    .map(([type, value]) => [type, isJson(type) ? value : map(value)]);
  return {
    ...output,
    ...(text === undefined ? {} : { text: map(text) }),
    ...(data === undefined ? {} : { data: Object.fromEntries(mapped) }),
  };
}
