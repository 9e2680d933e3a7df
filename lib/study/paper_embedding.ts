/** The paper's sentence embedding, through transformers.js. Knows nothing of what is compared. */
import { embedTexts } from "@implicit/hub";
import { showDownload } from "./data.ts";
import { type Embedding, LONGEST } from "./embedding.ts";

/**
 * The authors' embedding: nomic-embed-text-v1 without a task prefix. Fetches it, and transformers.js,
 * the first time (550 and 490 MB).
 */
export const paperEmbedding: Embedding = (texts) => {
  const name = "nomic-ai/nomic-embed-text-v1";
  return showDownload(
    name,
    (onProgress) => embedTexts(name, texts, { maxTokens: LONGEST, install: true, onProgress }),
  );
};
