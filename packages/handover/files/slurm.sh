#!/bin/bash
#SBATCH --job-name=handover --nodes=1 --ntasks-per-node=1 --gres=gpu:8 --cpus-per-task=64
#SBATCH --time=04:00:00 --output=%x-%A-%a.log
# All tuned runs, a job each: sbatch --array=1-$(wc -l < runs.txt) slurm.sh
set -e
RUN=${RUN:-$(sed -n "${SLURM_ARRAY_TASK_ID:?or RUN=a run}p" runs.txt)}
HEAD=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n1)
export RUN HEAD GPUS=${SLURM_GPUS_ON_NODE:-8}
# one launcher a node; its rank is known only there, hence the quoted command
srun bash -c 'accelerate launch --config_file fsdp2.yaml --num_machines $SLURM_NNODES \
  --num_processes $((SLURM_NNODES * GPUS)) --machine_rank $SLURM_NODEID \
  --main_process_ip $HEAD --main_process_port $((20000 + SLURM_JOB_ID % 20000)) \
  train.py --config runs/$RUN/sft.yaml'
