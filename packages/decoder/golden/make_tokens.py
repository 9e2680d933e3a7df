"""Makes tokens.json: what Hugging Face's tokenizers library makes of 1,000 odd texts, by seven schemes.

Run in this folder: pip install tokenizers==0.23.2; python make_tokens.py
The vocabularies are trained here on made-up sentences. Of each text's ids (with and without what the
tokenizer adds itself) and decodings (of the ids, and of the ids backwards, which are often no UTF-8)
the file keeps the first 24 bits of a sha256 in hexadecimal; tokenizer_fuzz_test.ts makes the same.
"""
import hashlib
import json
import random
import unicodedata

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

draw = random.Random(1)
WORDS = "the cat sat on a mat and it's 12 years old, we'll see; DON'T stop I've 1,000 naïve café's".split()
SPACES = [chr(c) for c in range(0x110000) if chr(c).isspace()] + list("\ufeff\u200b\u180e\u2060\u00ad")
ODD = (
    "½ ² ¼ ① Ⅷ ٣ 三 ๓ 𝟙 ৴ é e\u0301 \u0345 q\u0323\u0307 q\u0307\u0323 각 각 क्षि ा 😀 👩‍👩‍👧 🇩🇪 👍🏽 ❤️ ſ 'ſ K İ ß ﬁ Å Å "
    "'s 'S 'll 'LL 'd ’s ''re . .. ... !? -- — «x» #### ( ) [ ] { } <<1+2=3>> _ __ a_b x=y https://a.b/c?d=1&e "
    "日本語 中文 العربية ไทย עברית русский Ω ñ 한국어 <0x41> <0xE2> ▁ ▁▁ Ġ Ċ Ã \0 \x01 \x1f \x7f \x9f \ue000 \ufffd \uffff "
    "\U000e0001 <s> </s> <unk> <|user|> <|end|> <|endof <|endoftext|> <s <mask> <MASK>"
).split(" ")
ASSIGNED = [c for c in map(chr, range(0x30000)) if unicodedata.category(c) not in ("Cn", "Cs")]
PIECES = [
    lambda: draw.choice(WORDS),
    lambda: " " + draw.choice(WORDS),
    lambda: draw.choice(ODD),
    lambda: draw.choice(SPACES),
    lambda: draw.choice([" ", "\n", "\t", "\r\n", "  ", "\n\n"]) * draw.randint(1, 6),
    lambda: draw.choice(ASSIGNED),
    lambda: str(draw.randint(0, 10 ** draw.randint(1, 9))),
]
TEXTS = sorted({"".join(draw.choice(PIECES)() for _ in range(draw.randint(1, 9))) for _ in range(1200)})
draw.shuffle(TEXTS)
TEXTS = TEXTS[:1000]


def trained(pre_tokenizer, size, alphabet):
    """Vocabulary and merges of a small BPE."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizer
    sentences = [" ".join(draw.choice(WORDS + ODD) for _ in range(12)) + "\n    " for _ in range(400)]
    trainer = trainers.BpeTrainer(vocab_size=size, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(sentences, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    return list(model["vocab"]), [" ".join(pair) for pair in model["merges"]]


def added(content, id, **more):
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    return {"id": id, "content": content, **flags, **more}


byte_vocab, byte_merges = trained(
    pre_tokenizers.Sequence([pre_tokenizers.ByteLevel(add_prefix_space=False)]), 420,
    pre_tokenizers.ByteLevel.alphabet())
piece_vocab, piece_merges = trained(pre_tokenizers.Metaspace(split=False), 330, [])
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]
byte_size, piece_size = len(byte_vocab), 3 + len(BYTES) + len(piece_vocab)
MODELS = {
    "bytes": {"vocab": byte_vocab, "merges": byte_merges},
    "pieces": {"vocab": ["<unk>", "<s>", "</s>", *BYTES, *piece_vocab], "merges": piece_merges},
}
BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
BYTES_ALONE = {**BYTE_LEVEL, "use_regex": False}
END = added("<|endoftext|>", byte_size)
CHAT = [END, added("<|user|>", byte_size + 1), added("<|end|>", byte_size + 2)]
PIECES_ADDED = [added("<unk>", 0), added("<s>", 1), added("</s>", 2)]
PIECES_DECODER = {"type": "Sequence", "decoders": [
    {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
    {"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]}


def template(token, id):
    special = {token: {"id": token, "ids": [id], "tokens": [token]}}
    first, text = {"SpecialToken": {"id": token, "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}
    pair = [first, text, {"Sequence": {"id": "B", "type_id": 0}}]
    return {"type": "TemplateProcessing", "single": [first, text], "pair": pair, "special_tokens": special}


def split(regex):
    step = {"type": "Split", "pattern": {"Regex": regex}, "behavior": "Isolated", "invert": False}
    return {"type": "Sequence", "pretokenizers": [step, BYTES_ALONE]}


def scheme(model, added_tokens, pre_tokenizer, normalizer=None, post_processor=None, decoder=BYTE_LEVEL, **more):
    return {"normalizer": normalizer, "pre_tokenizer": pre_tokenizer, "post_processor": post_processor,
            "decoder": decoder, "added_tokens": added_tokens, "model": {"type": "BPE", "of": model, **more}}


FALLBACK = {"unk_token": "<unk>", "fuse_unk": True, "byte_fallback": True}
SPACES_ADDED = [added(" " * n, byte_size + 5 + n, normalized=True, special=False) for n in (4, 3, 2)]
SCHEMES = {
    "Llama-2": scheme("pieces", PIECES_ADDED, None, decoder=PIECES_DECODER, post_processor=template("<s>", 1),
                      normalizer={"type": "Sequence", "normalizers": [
                          {"type": "Prepend", "prepend": "▁"},
                          {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]}, **FALLBACK),
    "Mistral": scheme("pieces", PIECES_ADDED,
                      {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": False},
                      decoder=PIECES_DECODER, post_processor=template("<s>", 1), **FALLBACK),
    "OLMo, GPT-NeoX": scheme("bytes", [END, *SPACES_ADDED], BYTE_LEVEL, normalizer={"type": "NFC"},
                             post_processor=BYTE_LEVEL),
    "SmolLM2": scheme("bytes", CHAT, {"type": "Sequence", "pretokenizers": [
        {"type": "Digits", "individual_digits": True}, BYTE_LEVEL]}),
    "Qwen2": scheme("bytes", CHAT, split(
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"),
        normalizer={"type": "NFC"}, post_processor=BYTES_ALONE),
    "Llama-3, OLMo-2": scheme("bytes", CHAT, split(
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"),
        post_processor=template("<|user|>", byte_size + 1), ignore_merges=True),
    "GPT-2 with a space before": scheme(
        "bytes", [END, added("<mask>", byte_size + 1, lstrip=True), added("<|end|>", byte_size + 2, rstrip=True)],
        {**BYTE_LEVEL, "add_prefix_space": True}),
}


def whole(scheme):
    """The scheme as a tokenizer.json."""
    model = dict(scheme["model"])
    of = MODELS[model.pop("of")]
    vocab = {token: id for id, token in enumerate(of["vocab"])}
    vocab.update({token["content"]: token["id"] for token in scheme["added_tokens"]})
    filled = {"dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": None,
              "fuse_unk": False, "byte_fallback": False, **model, "vocab": vocab, "merges": of["merges"]}
    return {"version": "1.0", "truncation": None, "padding": None, **scheme, "model": filled}


def told(tokenizer, text):
    plain = tokenizer.encode(text, add_special_tokens=False).ids
    ids = tokenizer.encode(text).ids
    backwards = tokenizer.decode(plain[::-1], skip_special_tokens=False)
    parts = [",".join(map(str, ids)), ",".join(map(str, plain)),
             tokenizer.decode(ids), tokenizer.decode(ids, skip_special_tokens=False), backwards]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:6]


for entry in SCHEMES.values():
    tokenizer = Tokenizer.from_str(json.dumps(whole(entry)))
    entry["told"] = "".join(told(tokenizer, text) for text in TEXTS)
with open("tokens.json", "w", encoding="utf8") as file:
    json.dump({"models": MODELS, "schemes": SCHEMES, "texts": TEXTS}, file, separators=(",", ":"))
