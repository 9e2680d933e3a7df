"""Asks a vLLM server for a run's answers: `python answer.py runs/NAME --url http://localhost:8000/v1`.

Greedy, from prompts as token ids, with the run's rules if it has any. Each answer is a line of
runs/NAME/output/answers.jsonl as soon as it is there; run it again and it goes on. Python alone.
"""

import argparse
import hashlib
import json
import os
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path


def file_hash(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def request(url, body=None):
    key = os.environ.get("VLLM_API_KEY")
    headers = {"content-type": "application/json"}
    if key:
        headers["authorization"] = f"Bearer {key}"
    data = json.dumps(body).encode() if body else None
    with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=600) as reply:
        return json.load(reply)


def is_in(name, path):
    """Whether a path is that of a run or model: runs/NAME/output, models--OWNER--NAME/…"""
    return any(part == name or part.endswith(f"--{name}") for part in Path(path).parts)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--url", default="http://localhost:8000/v1")
    parser.add_argument("--workers", type=int, default=64)
    options = parser.parse_args()
    folder = Path(".")
    known = json.loads((folder / "handover.json").read_text())
    run = next(one for one in known["runs"] if one["name"] == options.run.name)
    for name in filter(None, [run["prompts"], run["rules"]]):
        if file_hash(name) != known["files"][name]:
            raise SystemExit(f"Expected {name} as it was handed over, but found another.")
    rules = Path(run["rules"]).read_text() if run["rules"] else None
    origin = {"prompts": known["files"][run["prompts"]], "rules": known["files"].get(run["rules"])}
    expected = run["name"] if run["plan"] else known["model"]["name"].split("/")[-1]
    models = {one.get("root") or one["id"]: one for one in request(f"{options.url}/models")["data"]}
    root = next((root for root in models if is_in(expected, root)), None)
    if root is None:
        found = ", ".join(models)
        raise SystemExit(f"Expected the model of {run['name']} at {options.url}, but found {found}.")
    served = models[root]
    output = options.run / "output"
    output.mkdir(parents=True, exist_ok=True)
    answers = output / "answers.jsonl"
    lines = answers.read_text().split("\n") if answers.exists() else []
    whole = [line for line in lines[:-1] if line]  # what was cut off by a kill is asked again
    answers.write_text("".join(f"{line}\n" for line in whole))
    done = {json.loads(line)["id"] for line in whole}
    prompts = [json.loads(line) for line in Path(run["prompts"]).read_text().splitlines()]
    room = max(one.get("max_model_len") or 0 for one in models.values())  # an adapter names none

    def ask(prompt):
        ids = prompt["input_ids"]
        body = {
            "model": served["id"],
            "prompt": ids,
            "max_tokens": min(run["max_tokens"], room - len(ids)),
            "temperature": 0,
            "ignore_eos": True,
            "stop_token_ids": run["eos"],
            "return_token_ids": True,
        }
        if rules:
            body["vllm_xargs"] = {"rules": rules}
        choice = request(f"{options.url}/completions", body)["choices"][0]
        stopped = choice["finish_reason"] == "stop"
        tokens = choice["token_ids"]
        if stopped and tokens and tokens[-1] in run["eos"]:
            tokens = tokens[:-1]
        about = {"id": prompt["id"], "tokens": tokens, "stopped": stopped}
        return json.dumps({**about, "model": root, **origin})

    with answers.open("a") as file, ThreadPoolExecutor(options.workers) as pool:
        for line in pool.map(ask, [one for one in prompts if one["id"] not in done]):
            file.write(line + "\n")
            file.flush()
    print(f"{len(prompts)} answers in {answers}")


if __name__ == "__main__":
    main()
