#!/bin/sh
# One run on the GPUs of this machine: `GPUS=8 sh train.sh NAME`, NAME a folder of runs/; what follows
# it goes before what sft.yaml says: `sh train.sh NAME --bf16 false`.
set -e
RUN=${1:?a run} GPUS=${GPUS:-8}
shift
if [ "$GPUS" = 1 ]; then
  exec accelerate launch --num_processes 1 --mixed_precision no \
    train.py --config "runs/$RUN/sft.yaml" --gradient_checkpointing true "$@"
fi
exec accelerate launch --config_file fsdp2.yaml --num_processes "$GPUS" \
  train.py --config "runs/$RUN/sft.yaml" "$@"
