"""Greedy tokens by Hugging Face transformers: `generate.py MODEL TOKENS PROMPTS`, prompts as JSON.

MODEL is a folder of a model, or of PEFT's adapters, which are merged into their base.
"""

import json
import os
import sys

import torch
from peft import AutoPeftModelForCausalLM
from transformers import AutoModelForCausalLM

folder, tokens = sys.argv[1], int(sys.argv[2])
if os.path.exists(os.path.join(folder, "adapter_config.json")):
    model = AutoPeftModelForCausalLM.from_pretrained(folder, dtype=torch.float32).merge_and_unload()
else:
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
found = []
for ids in json.loads(sys.argv[3]):
    whole = model.generate(
        torch.tensor([ids]), max_new_tokens=tokens, do_sample=False, eos_token_id=[], pad_token_id=0
    )
    found.append(whole[0, len(ids) :].tolist())
print(json.dumps(found))
