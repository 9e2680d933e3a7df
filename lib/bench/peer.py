"""The peer of `deno task bench`: the same work in PyTorch and transformers.

Started by benchmarks.ts as `python3 peer.py NAME THREADS VARIANT`; the variant has "compiled"
(torch.compile; it compiles before its first line, and decodes with a static cache) or "bf16"
(autocast where it trains, weights in bfloat16 where it decodes) or both in it, or neither.
Prints a JSON line about itself, with the bytes of weights that a token of decoding reads; then reads
a line and does one unit of work for it, printing a JSON line {"amount": units, "seconds": s}; at
"quit" it prints {"rss": bytes} and ends. The same protocol as worker.ts and llama_peer.mjs.
"""
import contextlib
import json
import resource
import sys
import time

NAME, THREADS, VARIANT = sys.argv[1], int(sys.argv[2]), sys.argv[3]
COMPILED, BF16 = "compiled" in VARIANT, "bf16" in VARIANT
SHAPES = {  # vocabulary, width, feed-forward, layers, heads, key-value heads, length, rows
    "T": (2048, 256, 688, 4, 4, 4, 256, 16),
    "S": (49152, 576, 1536, 30, 9, 3, 256, 1),
}


def say(**what):
    print(json.dumps(what), flush=True)


try:
    import torch
    import transformers
    from transformers import CompileConfig, LlamaConfig, LlamaForCausalLM
except Exception as error:  # any failure to import means that there is no peer
    say(
        missing=f"{type(error).__name__}: {error}; get it with `pip install torch transformers`, or "
        "name a Python that has both in IMPLICIT_PYTHON"
    )
    sys.exit(0)

transformers.logging.set_verbosity_error()
torch.set_num_threads(THREADS)
torch.manual_seed(0)
blas = next((line.strip() for line in torch.__config__.show().splitlines() if "BLAS_INFO" in line), "")
blas = blas.split("BLAS_INFO=")[-1].split(",")[0] or "unknown"
VOCAB, WIDTH, FFN, LAYERS, HEADS, KV, LENGTH, ROWS = SHAPES["T" if "-T" in NAME else "S"]


def build():
    config = LlamaConfig(
        vocab_size=VOCAB, hidden_size=WIDTH, intermediate_size=FFN, num_hidden_layers=LAYERS,
        num_attention_heads=HEADS, num_key_value_heads=KV, max_position_embeddings=2048,
        tie_word_embeddings=True, bos_token_id=1, eos_token_id=2, pad_token_id=0,
    )
    return LlamaForCausalLM(config)


def trainer(model):
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0)  # as ours
    ids = torch.randint(3, VOCAB, (ROWS, LENGTH))
    labels = ids.clone()
    if NAME.endswith("masked"):
        labels[:, : LENGTH * 3 // 4] = -100
    if COMPILED:  # layers one by one, since they are alike: one compilation serves all
        for layer in model.model.layers:
            layer.compile()
        model.loss_function = torch.compile(model.loss_function)
    narrow = torch.autocast("cpu", torch.bfloat16) if BF16 else contextlib.nullcontext()

    def step():
        optimizer.zero_grad()
        with narrow:
            loss = model(input_ids=ids, labels=labels, use_cache=False).loss
        loss.backward()
        optimizer.step()
        return 1

    return step


def decoder(model):
    model.eval()
    if BF16:
        model.to(torch.bfloat16)
    prompt = torch.randint(3, VOCAB, (1, 16))
    options = {}
    if COMPILED:  # the steps after the prompt, as generate() does on a GPU
        settings = CompileConfig(mode="default")
        settings._compile_all_devices = True
        options = {"cache_implementation": "static", "compile_config": settings}

    def decode():
        with torch.no_grad():
            model.generate(
                prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=32,
                min_new_tokens=32, do_sample=False, **options,
            )
        return 32

    return decode


def scorer(model):
    model.eval()
    ids = torch.randint(3, VOCAB, (4, 128))
    labels = ids.clone()
    labels[:, :64] = -100

    def score():
        with torch.no_grad():
            model(input_ids=ids, labels=labels)
        return ids.numel()

    return score


model = build()
if NAME.startswith("first-step"):
    work = lambda: trainer(model)()  # noqa: E731: from the model to the end of its first step
else:
    prepare = {"decode": decoder, "score-": scorer}.get(NAME[:6], trainer)
    work = prepare(model)
if COMPILED:
    work()

settings = [f"PyTorch {torch.__version__}, transformers {transformers.__version__}, BLAS {blas}"]
if COMPILED:
    settings.append("torch.compile" + (", static cache" if NAME.startswith("decode") else ""))
if BF16:
    settings.append("bfloat16 weights" if NAME.startswith("decode") else "bfloat16 autocast")
say(
    name=", ".join(settings),
    bytes=sum(p.numel() * p.element_size() for p in model.parameters()),
)
for line in sys.stdin:
    if line.strip() == "quit":
        break
    start = time.perf_counter()
    amount = work()
    say(amount=amount, seconds=time.perf_counter() - start)
say(rss=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
