#!/bin/sh
# One run on Hugging Face Jobs: `BUCKET=user/bucket sh hf_job.sh NAME`. FLAVOR: a100x4, a100x8,
# h200x2, h200x8 (`hf jobs hardware`); a job stops after 30 minutes where no --timeout is given.
RUN=${1:?a run} GPUS=${GPUS:-8} FLAVOR=${FLAVOR:-h200x8} BUCKET=${BUCKET:?user/bucket}
hf jobs run --flavor "$FLAVOR" --timeout 4h --secrets HF_TOKEN \
  --volume ./:/handover --volume "hf://buckets/$BUCKET:/results" huggingface/trl:1.13.0 -- \
  bash -c "cd /handover && accelerate launch --config_file fsdp2.yaml --num_processes $GPUS \
    train.py --config runs/$RUN/sft.yaml --output_dir /results/$RUN"
