#!/bin/sh
# One run on the GPUs of this machine: `GPUS=8 sh train.sh NAME`, NAME a folder of runs/.
set -e
RUN=${1:?a run} GPUS=${GPUS:-8}
if [ "$GPUS" = 1 ]; then
  exec accelerate launch --num_processes 1 --mixed_precision bf16 \
    train.py --config "runs/$RUN/sft.yaml" --gradient_checkpointing true
fi
exec accelerate launch --config_file fsdp2.yaml --num_processes "$GPUS" \
  train.py --config "runs/$RUN/sft.yaml"
