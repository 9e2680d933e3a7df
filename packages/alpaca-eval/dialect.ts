/**
 * How endpoints that call themselves OpenAI-compatible differ: their address, the header of their
 * key, and which parameters a model refuses, in whose words. Knows texts and URLs; sends nothing.
 */

/** The JSON body of a chat request. */
export type ChatBody = Readonly<Record<string, unknown>>;

const PATH = "/chat/completions";
const isDeployment = (url: URL) => url.pathname.includes("/openai/deployments/");

/**
 * Refuses what is no base URL, and one that may hold a secret. What is refused is not quoted.
 *
 * @throws if it cannot be parsed, is not of http, has a user, a fragment or a query (but Azure's
 *   api-version), or is an Azure deployment's without it
 */
export function checkBaseUrl(baseUrl: string): void {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : null;
  if (!url || !["http:", "https:"].includes(url.protocol)) {
    // What cannot be parsed is not quoted: it may hold a password.
    throw new Error(
      'Expected a base URL such as "https://api.openai.com/v1" but found another text ' +
        `(${baseUrl.length} characters)`,
    );
  }
  const hasQuery = url.search !== "" && !/^\?api-version=[\w.-]{1,40}$/.test(url.search);
  if (url.username || url.password || hasQuery || url.hash) {
    throw new Error(
      `Expected a base URL without credentials but found some in that of ${url.host}: put the ` +
        "key into an environment variable and its name into keyVariable",
    );
  }
  if (isDeployment(url) && url.search === "") {
    throw new Error(
      `Expected "?api-version=…" at the end of the base URL of an Azure deployment (${url.host}) ` +
        'but found none: add one, such as "?api-version=2024-10-21"',
    );
  }
}

/**
 * Where a base URL's chat requests go.
 *
 * @param baseUrl checked; with or without a slash or the request's path at its end
 * @returns the base as messages and kept answers have it, and the whole address
 */
export function addressOf(baseUrl: string): { readonly base: string; readonly url: string } {
  const { origin, pathname, search } = new URL(baseUrl);
  const home = origin + pathname.replace(/\/+$/, "").replace(/\/chat\/completions$/, "");
  return { base: home + search, url: home + PATH + search };
}

/** The header that carries a key: Azure's own where it is Azure, else a bearer's; none without. */
export function keyHeader(url: string, key: string): Record<string, string> {
  if (key === "") return {};
  const parsed = new URL(url);
  const isAzure = isDeployment(parsed) || parsed.search !== "" ||
    parsed.hostname.endsWith(".azure.com");
  return isAzure ? { "api-key": key } : { authorization: `Bearer ${key}` };
}

/** What a judge can go without, in the order in which a refusal that names several is obeyed. */
const DISPENSABLE = ["max_tokens", "top_p", "temperature", "top_logprobs", "logprobs"];

/** The words in which servers say that they do not take a parameter, or this value of it. */
const REFUSED =
  /unsupported|\bnot (?:be )?(?:support|allow|permit|accept)|unrecogni[sz]ed|unknown|unexpected|extra inputs|only the default|cannot both|deprecated/i;

/**
 * The parameter that a refusal is about, or null where it is about something else.
 *
 * @param words the endpoint's, of a status that refuses
 * @param body what was sent
 * @example refusedParameter("Unsupported value: 'temperature' does not …", body) // "temperature"
 */
export function refusedParameter(words: string, body: ChatBody): string | null {
  if (!REFUSED.test(words)) return null;
  const fields = Object.keys(body).filter((field) => !["messages", "model"].includes(field));
  const order = [...DISPENSABLE, ...fields].filter((field) => fields.includes(field));
  return order.find((field) => new RegExp(`(?<!\\w)${field}(?!\\w)`).test(words)) ?? null;
}

/** Whether a request still asks the same without a parameter; `needed` are those that are read. */
export function isDispensable(field: string, needed: readonly string[]): boolean {
  return DISPENSABLE.includes(field) && !needed.includes(field);
}

/**
 * A request without the parameters that its model refuses. A limit of tokens stays one, under the name
 * that models take which think before they answer.
 *
 * @example fit({ max_tokens: 1, top_p: 1 }, ["max_tokens", "top_p"]) // { max_completion_tokens: 1 }
 */
export function fit(body: ChatBody, refused: readonly string[]): ChatBody {
  return Object.fromEntries(
    Object.entries(body).flatMap(([field, value]) => {
      if (!refused.includes(field)) return [[field, value]];
      return field === "max_tokens" ? [["max_completion_tokens", value]] : [];
    }),
  );
}
