"""Hand-written rules on a model's logits (EOS ramp, repetition penalty, uniform changes) for vLLM.

vllm serve MODEL --logits-processors rules_vllm:Rules  (Model Runner V2, vLLM 0.32 and later)
VLLM_USE_V2_MODEL_RUNNER=0 vllm serve MODEL --no-async-scheduling \
  --logits-processors rules_vllm:RulesV1  (and earlier)

A request names its rules as `vllm_xargs: {"rules": JSON}`: a list, applied in its order.
"""

import json
from contextlib import suppress

import torch

BaseV1 = BaseV2 = object  # where vLLM has none of that interface
with suppress(ImportError):
    from vllm.v1.worker.gpu.sample.logits_processor import LogitsProcessor as BaseV2
with suppress(ImportError):
    from vllm.v1.sample.logits_processor import AdapterLogitsProcessor as BaseV1


def rules_text(params):
    return (params.extra_args or {}).get("rules")


def begins(since, ids, length, prompt):
    """Of each row: the index after the last tag among its first `length` ids, or its default."""
    tag = since["tag"]
    default = prompt if since["otherwise"] == "response" else torch.zeros_like(prompt)
    if not tag or ids.shape[1] < len(tag):
        return default
    hit = (ids.unfold(1, len(tag), 1) == torch.tensor(tag, device=ids.device)).all(-1)
    end = torch.arange(len(tag), ids.shape[1] + 1, device=ids.device)
    last = torch.where(hit & (end <= length[:, None]), end, -1).amax(1)
    return torch.where(last < 0, default, last)


def eos(rule, logits, ids, length, prompt):
    t, beyond = length - begins(rule["since"], ids, length, prompt), rule["beyond"]
    ramp = (t > 0) & (t < (rule["horizon"] or 1 << 40))
    bonus = torch.where(ramp, t.double() * rule["slope"], 0.0)
    if beyond:
        bonus = torch.where(t >= beyond["from"], float(beyond["weight"]), bonus)
    logits[:, rule["id"]] = (logits[:, rule["id"]].double() + bonus).to(logits.dtype)


def repetition(rule, logits, ids, length, prompt):
    at = torch.arange(ids.shape[1], device=ids.device)
    start = begins(rule["since"], ids, length, prompt)
    inside = (at >= start[:, None]) & (at < length[:, None])
    seen = torch.zeros_like(logits).scatter_reduce_(1, ids * inside, inside.to(logits.dtype), "amax")
    seen[:, rule["exempt"]] = 0
    logits.copy_(torch.where(seen > 0, logits.double() + rule["weight"], logits.double()))


def uniform(rule, logits, ids, length, prompt):
    at = [id for id, _ in rule["weights"]]
    weights = torch.tensor([weight for _, weight in rule["weights"]], dtype=torch.float64)
    logits[:, at] = (logits[:, at].double() + weights.to(logits.device)).to(logits.dtype)


KINDS = {"eos": eos, "repetition": repetition, "uniform": uniform}


def add_rules(logits, ids, length, prompt, rules):
    """Adds to logits [rows, vocabulary]; ids [rows, longest], length and prompt [rows]."""
    for rule in rules:
        KINDS[rule["kind"]](rule, logits, ids, length, prompt)


def check_rules(params):
    rules = json.loads(rules_text(params) or "[]")  # its error is a ValueError
    for rule in rules:
        if rule["kind"] not in KINDS:
            raise ValueError(f"Expected rules of {', '.join(KINDS)}, but found {rule['kind']}.")


class Rules(BaseV2):
    """For Model Runner V2: all rows of a step at once."""

    def __init__(self, vllm_config, req_states):
        if vllm_config is not None and vllm_config.speculative_config is not None:
            raise ValueError("Rules need one row of logits a request: no speculative decoding.")
        self.states, self.texts = req_states, {}

    @classmethod
    def validate_params(cls, sampling_params):
        check_rules(sampling_params)

    def add_request(self, req_idx, sampling_params):
        self.texts[req_idx] = rules_text(sampling_params)  # slots are used again
        return self.texts[req_idx] is not None

    def apply_staged_writes(self):
        pass

    def apply(self, logits, ctx):
        slots, longest = ctx.idx_mapping_np, int(ctx.seq_lens_upper_bound_np.max())
        for text in {self.texts.get(int(slot)) for slot in slots} - {None}:
            rows = [i for i, slot in enumerate(slots) if self.texts.get(int(slot)) == text]
            at = torch.tensor([int(slots[i]) for i in rows], device=logits.device)
            prompt = torch.tensor([int(self.states.prompt_len.np[slots[i]]) for i in rows])
            ids = self.states.all_token_ids.gpu[at, :longest].long()
            some = logits[rows]
            add_rules(some, ids, ctx.pos[rows].long() + 1, prompt.to(at.device), json.loads(text))
            logits[rows] = some
        return logits


class RulesV1(BaseV1):
    """For the runner before it: one request at a time."""

    @classmethod
    def validate_params(cls, sampling_params):
        check_rules(sampling_params)

    def is_argmax_invariant(self):
        return False

    def new_req_logits_processor(self, params):
        rules = json.loads(rules_text(params) or "null")

        def process(prompt, output, logits):
            if -1 in output:  # a placeholder of async scheduling
                raise RuntimeError("Serve with --no-async-scheduling.")
            ids = torch.tensor([[*(prompt or []), *output]], device=logits.device)
            sizes = torch.tensor([[ids.shape[1]], [len(prompt or [])]], device=logits.device)
            add_rules(logits[None], ids, sizes[0], sizes[1], rules)
            return logits

        return process if rules else None
