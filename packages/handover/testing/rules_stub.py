"""Runs rules_vllm.py without vLLM: `rules_stub.py FOLDER CASES`; prints the largest difference.

CASES: JSON of the rules, base rows of logits, and contexts, each with its length at the start and
for every length from there on what the rules change. Both interfaces are fed token by token: the
second one in a batch whose rows move and whose slots are used again.
"""

import json
import random
import sys
from types import SimpleNamespace

import numpy
import torch

sys.path.insert(0, sys.argv[1])
from rules_vllm import Rules, RulesV1  # noqa: E402

with open(sys.argv[2]) as file:
    cases = json.load(file)
base = torch.tensor(cases["logits"], dtype=torch.float32)
params = SimpleNamespace(extra_args={"rules": json.dumps(cases["rules"])})
none = SimpleNamespace(extra_args=None)
random.seed(1)


def row_of(case):
    return base[case["row"]]


def difference(case, length, found):
    """Between what the rules gave and what they should have given."""
    expected = row_of(case).clone()
    for id, value in case["changes"][length - case["start"]]:
        expected[id] = value
    return float((found - expected).abs().max())


def each_request():
    process = RulesV1().new_req_logits_processor(params)
    assert RulesV1().new_req_logits_processor(none) is None
    for case in cases["contexts"]:
        ids, prompt = case["ids"], case["prompt"]
        for length in range(case["start"], len(ids) + 1):
            found = process(ids[:prompt], ids[prompt:length], row_of(case).clone())
            yield difference(case, length, found)


def whole_batches(slots=13):
    longest = max(len(case["ids"]) for case in cases["contexts"])
    table = torch.zeros((slots, longest), dtype=torch.int32)
    states = SimpleNamespace(
        all_token_ids=SimpleNamespace(gpu=table),
        prompt_len=SimpleNamespace(np=numpy.zeros(slots, numpy.int32)),
    )
    Rules.validate_params(params)
    rules = Rules(None, states)
    waiting, active, free = list(cases["contexts"]), {}, list(range(slots))
    while waiting or active:
        while waiting and free:
            slot, case = free.pop(random.randrange(len(free))), waiting.pop()
            table[slot] = 7  # of whoever had it before
            states.prompt_len.np[slot] = case["prompt"]
            active[slot] = [case, case["start"]]
            plain = random.random() < 0.1  # somebody else's request, without rules
            case["plain"] = plain
            assert rules.add_request(slot, none if plain else params) == (not plain)
        rules.apply_staged_writes()
        order = random.sample(sorted(active), len(active))
        for slot in order:
            case, length = active[slot]
            table[slot, :length] = torch.tensor(case["ids"][:length])
        lengths = [active[slot][1] for slot in order]
        ctx = SimpleNamespace(
            idx_mapping_np=numpy.array(order),
            seq_lens_upper_bound_np=numpy.array(lengths),
            pos=torch.tensor(lengths) - 1,
        )
        logits = torch.stack([row_of(active[slot][0]) for slot in order])
        found = rules.apply(logits, ctx)
        for row, slot in enumerate(order):
            case, length = active[slot]
            if case["plain"]:
                yield float((found[row] - row_of(case)).abs().max())
            else:
                yield difference(case, length, found[row])
            active[slot][1] += 1
            if active[slot][1] > len(case["ids"]):
                del active[slot]
                free.append(slot)


print(json.dumps({"request": max(each_request()), "batch": max(whole_batches())}))
