/**
 * Endpoints of the usual makers on the loopback interface, after their documentation and their users'
 * reports: path, header of the key, refused parameters, errors, shapes of a reply. For tests alone.
 */
import {
  type LoopbackBody,
  type LoopbackReply,
  type LoopbackRequest,
  verdict,
} from "./loopback.ts";

/** What a maker's server answers to; undefined: the loopback judge's own answer. */
export interface Maker {
  /** The base URL behind the host. */
  readonly base: string;
  readonly reply: (body: LoopbackBody, request: LoopbackRequest) => LoopbackReply | undefined;
}

/** The model that each of them serves, the key that those with keys want. */
export const MODEL = "gpt-4-1106-preview";
export const KEY = "sk-loopback-0123456789";

const textOf = (body: LoopbackBody) => body.messages.at(-1)!.content;
const openaiError = (message: string, code: string | null = null, param: string | null = null) => ({
  error: { message, type: "invalid_request_error", param, code },
});

function openai(body: LoopbackBody, { path, headers }: LoopbackRequest): LoopbackReply | undefined {
  if (path !== "/v1/chat/completions") {
    return { status: 404, body: openaiError(`Invalid URL (POST ${path})`) };
  }
  if (headers.authorization !== `Bearer ${KEY}`) {
    const quoted = "Incorrect API key provided: sk-loopb**********6789.";
    return { status: 401, body: openaiError(quoted, "invalid_api_key") };
  }
  if (body.model !== MODEL) {
    const gone = `The model \`${body.model}\` does not exist or you do not have access to it.`;
    return { status: 404, body: openaiError(gone, "model_not_found") };
  }
}

/** Models that think first: they refuse one parameter after the other, and 15 tokens are too few. */
function reasoning(body: LoopbackBody, request: LoopbackRequest): LoopbackReply | undefined {
  const refusal = openai(body, request);
  if (refusal) return refusal;
  const refuse = (field: string, message: string, status = 400) => ({
    status,
    body: openaiError(message, "unsupported_parameter", field),
  });
  if ("max_tokens" in body) {
    return refuse(
      "max_tokens",
      "Unsupported parameter: 'max_tokens' is not supported with this model. Use " +
        "'max_completion_tokens' instead.",
    );
  }
  if ("temperature" in body && body.temperature !== 1) {
    return refuse(
      "temperature",
      `Unsupported value: 'temperature' does not support ${body.temperature} with this model. Only ` +
        "the default (1) value is supported.",
    );
  }
  if ("top_p" in body) {
    return refuse("top_p", "Unsupported parameter: 'top_p' is not supported with this model.");
  }
  if ("logprobs" in body) {
    return {
      status: 403,
      body: openaiError("You are not allowed to request logprobs from this model"),
    };
  }
  const reply = verdict(textOf(body), false);
  if (Number(body.max_completion_tokens) > 15) return { body: reply };
  const [choice] = reply.choices;
  const spent = {
    ...choice,
    message: { ...choice!.message, content: "" },
    finish_reason: "length",
  };
  return { body: { ...reply, choices: [spent] } };
}

function azure(body: LoopbackBody, { path, headers }: LoopbackRequest): LoopbackReply | undefined {
  const error = (code: string, message: string) => ({ error: { code, message } });
  if (headers["api-key"] !== KEY || headers.authorization !== undefined) {
    const message = "Access denied due to invalid subscription key or wrong API endpoint.";
    return { status: 401, body: error("401", message) };
  }
  if (path !== "/openai/deployments/judge/chat/completions?api-version=2024-10-21") {
    const message = "The API deployment for this resource does not exist.";
    return { status: 404, body: error("DeploymentNotFound", message) };
  }
  if (textOf(body).includes("Instruction 3")) {
    const message =
      "The response was filtered due to the prompt triggering Azure OpenAI's content " +
      "management policy.";
    return { status: 400, body: error("content_filter", message) };
  }
  return { body: { ...verdict(textOf(body)), prompt_filter_results: [{ prompt_index: 0 }] } };
}

function vllm(body: LoopbackBody): LoopbackReply | undefined {
  const error = (code: number, type: string, message: string) => (
    { status: code, body: { object: "error", message, type, param: null, code } }
  );
  if (body.model !== MODEL) {
    return error(404, "NotFoundError", `The model \`${body.model}\` does not exist.`);
  }
  if (textOf(body).includes("Instruction 3")) {
    const message =
      "This model's maximum context length is 512 tokens. However, you requested 700.";
    return error(400, "BadRequestError", message);
  }
  return { body: { ...verdict(textOf(body)), prompt_logprobs: null } };
}

/** Loading its model at first. */
function llamaCpp(): Maker["reply"] {
  let loading = 3;
  return (body) => {
    if (loading-- > 0) {
      const error = { code: 503, message: "Loading model", type: "unavailable_error" };
      return { status: 503, body: { error } };
    }
    if (textOf(body).includes("Instruction 3")) {
      const message = "the request exceeds the available context size, try increasing it";
      return {
        status: 400,
        body: { error: { code: 400, message, type: "exceed_context_size_error", n_ctx: 512 } },
      };
    }
    return { body: { ...verdict(textOf(body)), timings: { prompt_n: 90 } } };
  };
}

/** Versions before 0.12.11 take `logprobs` and return none. */
function ollama(body: LoopbackBody): LoopbackReply {
  if (body.model !== MODEL) {
    const message = `model "${body.model}" not found, try pulling it first`;
    return {
      status: 404,
      body: { error: { message, type: "api_error", param: null, code: null } },
    };
  }
  return { body: verdict(textOf(body), false) };
}

function lmStudio(body: LoopbackBody, { path }: LoopbackRequest): LoopbackReply {
  if (path !== "/v1/chat/completions") {
    return { body: { error: `Unexpected endpoint or method. (POST ${path})` } };
  }
  if (body.model !== MODEL) {
    const message = "No models loaded. Please load a model in the developer page.";
    return { status: 400, body: openaiError(message, "model_not_found", "model") };
  }
  const reply = verdict(textOf(body), false);
  return { body: { ...reply, choices: [{ ...reply.choices[0], logprobs: null }] } };
}

/** A router: white space while it waits, errors of the makers behind it inside of a good status. */
function openRouter(): Maker["reply"] {
  let n = 0;
  return (body, { path }) => {
    if (path !== "/api/v1/chat/completions") return { status: 404, body: "<html>Not found" };
    n++;
    const error = (code: number, raw: string) => (
      { code, message: "Provider returned error", metadata: { raw, provider_name: "Some" } }
    );
    if (n === 1) return { status: 429, body: { error: error(429, "rate-limited upstream") } };
    if (n === 2) {
      return { body: { choices: [{ error: error(502, "gone"), finish_reason: "error" }] } };
    }
    if (n > 40) {
      const message = "Insufficient credits. Add more using https://router.example/credits?u=42";
      return { status: 402, body: { error: { message, code: 402 } } };
    }
    return { body: "\n\n   \n" + JSON.stringify(verdict(textOf(body))) };
  };
}

/** A validator of fields, as Mistral's and others': it names what it does not know. */
function strict(body: LoopbackBody): LoopbackReply | undefined {
  const extra = ["top_logprobs", "logprobs"].find((field) => field in body);
  const detail = [{
    type: "extra_forbidden",
    loc: ["body", extra],
    msg: "Extra inputs are not permitted",
  }];
  return extra ? { status: 422, body: { object: "error", message: { detail } } } : undefined;
}

/** One or the other, as some models of Anthropic's behind a compatible address have it. */
function eitherOr(body: LoopbackBody): LoopbackReply | undefined {
  if (!("temperature" in body && "top_p" in body)) return;
  const message = "`temperature` and `top_p` cannot both be specified for this model.";
  return { status: 400, body: { error: { type: "invalid_request_error", message } } };
}

/** A server of each kind, as it is when it has just started. */
export const makers = {
  openai: (): Maker => ({ base: "/v1", reply: openai }),
  reasoning: (): Maker => ({ base: "/v1", reply: reasoning }),
  azure: (): Maker => ({ base: "/openai/deployments/judge?api-version=2024-10-21", reply: azure }),
  vllm: (): Maker => ({ base: "/v1", reply: vllm }),
  llamaCpp: (): Maker => ({ base: "/v1", reply: llamaCpp() }),
  ollama: (): Maker => ({ base: "/v1", reply: ollama }),
  lmStudio: (): Maker => ({ base: "/v1/", reply: lmStudio }),
  openRouter: (): Maker => ({ base: "/api/v1", reply: openRouter() }),
  strict: (): Maker => ({ base: "/v1", reply: strict }),
  eitherOr: (): Maker => ({ base: "/v1/chat/completions", reply: eitherOr }),
};
