#!/bin/bash
#SBATCH --job-name=«name» --array=1-«shards» --cpus-per-task=2 --mem=8G
#SBATCH --time=12:00:00 --output=%x-%A-%a.log
# «shards» parts of `deno task «command»`, submitted from the project's folder. A part that was
# stopped goes on where it was (`sbatch --array=7 …`). What is kept lies in .cache there; where the
# machines share no disk, copy their .cache folders into one. The same command without --shard
# then finds everything done, computes what no part could reach, and writes the results.
set -e
cd "${PROJECT:-$SLURM_SUBMIT_DIR}"
exec npx -y deno@2.9.6 task «command» --shard "$SLURM_ARRAY_TASK_ID/«shards»"
