"""Greedy tokens by Hugging Face transformers: `generate.py TOKENS CASES`, as JSON a list of a folder
and its prompts each; the last line has theirs.

A folder is that of a model, or of PEFT's adapters, which are merged into their base.
"""

import json
import os
import sys

import torch
from peft import AutoPeftModelForCausalLM
from transformers import AutoModelForCausalLM


def load(folder):
    if os.path.exists(os.path.join(folder, "adapter_config.json")):
        model = AutoPeftModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
        return model.merge_and_unload()
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)


def generate(model, ids):
    tokens = int(sys.argv[1])
    whole = model.generate(
        torch.tensor([ids]), max_new_tokens=tokens, do_sample=False, eos_token_id=[], pad_token_id=0
    )
    return whole[0, len(ids) :].tolist()


found = []
for folder, prompts in json.loads(sys.argv[2]):
    model = load(folder)
    found.append([generate(model, ids) for ids in prompts])
print(json.dumps(found))
