"""Trains one run: `accelerate launch train.py --config runs/NAME/sft.yaml`, from this folder.

TRL's own SFTTrainer, with what its YAML cannot say: the order of the rows, each example's mean as
its loss, each step's learning rate, adapters to start from. Refuses to start where files or
settings are not those of the plan, and writes about.json last, with a hash of every result.
"""

import hashlib
import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy
import peft
import torch
import transformers
import trl
from datasets import load_dataset
from torch.optim.lr_scheduler import LambdaLR
from trl import ModelConfig, SFTConfig, SFTTrainer, TrlParser


@dataclass
class Run:
    plan: str = field(metadata={"help": "JSON: rows, order, batch, rates, reduction, settings"})


def refuse(expected, found):
    raise SystemExit(f"Expected {expected}, but found {found}.")


def file_hash(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def rows_hash(rows):
    """sha256 of length, ids and labels of each row, as little-endian int32."""
    whole = hashlib.sha256()
    for row in rows:
        ids, labels = row["input_ids"], row["labels"]
        whole.update(numpy.asarray([len(ids), *ids, *labels], "<i4").tobytes())
    return whole.hexdigest()


def check(plan, path, run, args):
    """Refuses another run's plan, edited files, and settings that change what is learnt."""
    if plan["run"] != run:
        refuse(f"the plan of {run} in {path}", f"that of {plan['run']}")
    known = json.loads(Path("handover.json").read_text())["files"]
    for name in [path, plan["rows"], *plan["adapters"]]:
        if file_hash(name) != known.get(name):
            refuse(f"{name} as it was handed over", f"sha256 {file_hash(name)}")
    for name, value in plan["settings"].items():
        if getattr(args, name) != value:
            refuse(f"{name}: {value} in runs/{run}/sft.yaml", getattr(args, name))
    width = args.world_size * args.per_device_train_batch_size
    if plan["batch"] % width:
        refuse(f"a batch of {plan['batch']} to divide among processes", f"{width} rows at a time")
    if plan["reduction"] == "example-mean" and args.per_device_train_batch_size != 1:
        refuse("per_device_train_batch_size: 1", "several: an example's mean needs one row a time")


def load_model(plan, args, model):
    """The base, or a base with the adapters to start from; a name lets TRL load it as it likes."""
    args.model_init_kwargs = {
        "dtype": getattr(torch, model.dtype),
        "attn_implementation": model.attn_implementation,
        "revision": plan["revision"],
    }
    name = model.model_name_or_path
    if not plan["adapters"]:
        return name
    base = transformers.AutoModelForCausalLM.from_pretrained(name, **args.model_init_kwargs)
    args.model_init_kwargs = None
    folder = os.path.dirname(plan["adapters"][0])
    return peft.PeftModel.from_pretrained(base, folder, is_trainable=True)


def follow(trainer, rates):
    """Each step's learning rate as planned."""

    def create_scheduler(num_training_steps, optimizer=None):
        if num_training_steps != len(rates):
            refuse(f"{len(rates)} steps", num_training_steps)
        ahead = [*rates, rates[-1]]  # it is asked once more after the last step
        trainer.lr_scheduler = LambdaLR(trainer.optimizer, lambda step: ahead[step])
        return trainer.lr_scheduler

    trainer.create_scheduler = create_scheduler


def main():
    # cuDNN's attention plans anew for every length of a row: 0.1 s and more on an H200.
    torch.backends.cuda.enable_cudnn_sdp(False)
    run, args, model = TrlParser((Run, SFTConfig, ModelConfig)).parse_args_and_config()
    plan = json.loads(Path(run.plan).read_text())
    name = Path(run.plan).parent.name
    check(plan, run.plan, name, args)
    width = args.world_size * args.per_device_train_batch_size
    args.gradient_accumulation_steps = plan["batch"] // width
    args.learning_rate = 1.0  # times the planned rate
    rows = load_dataset("json", data_files=plan["rows"], split="train").select(plan["order"])
    trainer = SFTTrainer(model=load_model(plan, args, model), args=args, train_dataset=rows)
    if rows_hash(trainer.train_dataset) != plan["sha256"]:
        refuse(f"the rows of {run.plan}", "others in TRL: it has cut or changed them")
    if plan["reduction"] == "example-mean":  # a micro-batch's mean, divided by their number
        trainer.model_accepts_loss_kwargs = False
    follow(trainer, plan["rates"])
    started = time.time()
    trainer.train()
    trainer.save_model(args.output_dir)
    trainer.save_state()  # trainer_state.json: every step's loss in full precision
    if trainer.is_world_process_zero():
        gpu = torch.cuda.is_available()
        output = Path(args.output_dir)
        about = {
            "run": name,
            "plan": file_hash(run.plan),
            "rows": plan["sha256"],
            "seconds": time.time() - started,
            "processes": args.world_size,
            "distributed": str(trainer.accelerator.distributed_type),
            "bf16": args.bf16,
            "device": torch.cuda.get_device_name() if gpu else "cpu",
            "peak_gib": torch.cuda.max_memory_allocated() / 2**30 if gpu else None,
            "versions": {one.__name__: one.__version__ for one in (trl, transformers, peft, torch)},
            "files": {
                path.name: file_hash(path)
                for path in sorted(output.iterdir())
                if path.is_file() and path.name not in ("about.json", "answers.jsonl")
            },
        }
        Path(output, "about.json").write_text(json.dumps(about, indent=1))


if __name__ == "__main__":
    main()
