#!/bin/sh
# Serves a run's model for answer.py: `sh serve.sh runs/NAME/output`, or the base's name for the
# runs that are not tuned. Greedy answers have to be the same in every batch: where the GPU takes no
# VLLM_BATCH_INVARIANT, add --max-num-seqs 1.
exec env VLLM_BATCH_INVARIANT=1 vllm serve "${1:?a folder or a name}" --dtype "${DTYPE:-bfloat16}" \
  --generation-config vllm --logits-processors rules_vllm:Rules
