/**
 * The form of a notebook file (nbformat 4), as far as it is read: what is of another type would be
 * shown or written as something else. Knows nothing of what cells mean.
 */
import { z } from "zod";

const text = z.union([z.string(), z.array(z.string())]);
const object = z.record(z.string(), z.unknown());

/** Whether content of this type is JSON itself, and no text. */
export const isJson = (type: string): boolean => /^application\/(.*\+)?json$/.test(type);

const bundle = object.refine(
  (data) => Object.entries(data).every(([type, of]) => isJson(type) || text.safeParse(of).success),
  "content that is no text",
);

const output = z.discriminatedUnion("output_type", [
  z.looseObject({ output_type: z.literal("stream"), name: z.string(), text }),
  z.looseObject({
    output_type: z.enum(["display_data", "execute_result"]),
    data: bundle,
    metadata: object.optional(),
  }),
  z.looseObject({
    output_type: z.literal("error"),
    ename: z.string(),
    evalue: z.string(),
    traceback: z.array(z.string()),
  }),
]);

const notebook = z.looseObject({
  nbformat: z.literal(4),
  nbformat_minor: z.int().optional(),
  metadata: object.optional(),
  cells: z.array(z.looseObject({
    cell_type: z.string(),
    id: z.string().optional(),
    source: text.optional(),
    metadata: object.optional(),
    attachments: z.record(z.string(), bundle).optional(),
    outputs: z.array(output).optional(),
    execution_count: z.int().nullable().optional(),
  })),
});

/** @throws where a notebook of nbformat 4 has a field of another type, or is nested beyond writing. */
export function checkForm(file: unknown, name: string): void {
  const wrong = (found: string) =>
    new Error(`Expected a notebook in ${name} but found ${found}: save it again in JupyterLab.`);
  const issue = notebook.safeParse(file).error?.issues[0];
  if (issue) throw wrong(`at ${issue.path.join(".")}: ${issue.message}`);
  let deeper = file; // whoever writes it may be called from further down
  for (let level = 0; level < 200; level++) deeper = [deeper];
  try {
    JSON.stringify(deeper, null, 1); // as it is written
  } catch {
    throw wrong("values nested too deeply");
  }
}
