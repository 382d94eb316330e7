#!/usr/bin/env python3
"""What bench/gpu/gpu_bench.cpp does, with PyTorch's own layers (bench/peers/torch_models.py).

  bench/gpu/peers.py NAME...    prints a line of JSON a name: seconds of the fastest run, peak memory
"""

import json
import pathlib
import sys
import time

import torch
from torch.nn import functional

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "peers"))
sys.dont_write_bytecode = True
import torch_models  # noqa: E402


def fastest(work, runs):
    torch.cuda.reset_peak_memory_stats()
    for _ in range(6):
        work()
    torch.cuda.synchronize()
    best = float("inf")
    for _ in range(runs):
        begin = time.perf_counter()
        work()
        torch.cuda.synchronize()
        best = min(best, time.perf_counter() - begin)
    return {"fastest": best, "peak_MiB": torch.cuda.max_memory_allocated() >> 20}


def product(side):
    a, b = torch.randn(side, side), torch.randn(side, side)
    return fastest(lambda: a @ b, 20)


def encode(encoder, resolution):
    pixels = torch.rand(16, 4, 3, resolution, resolution)
    with torch.no_grad():
        return fastest(lambda: encoder(pixels), 5)


def merge(tokens):
    features = torch.randn(16, tokens, 1024)
    with torch.no_grad():
        return fastest(lambda: torch_models.merge_tokens(features, 64, 16), 20)


def prefill(tokens):
    llm = torch_models.Qwen2("sdpa", "7b")
    ids = torch.randint(0, llm.vocabulary, (1, tokens))

    def prompt():
        cache = llm.new_cache(tokens)
        return llm.logits(llm(llm.embed(ids), cache)[:, -1])

    with torch.no_grad():
        return fastest(prompt, 3)


def decode(tokens):
    llm = torch_models.Qwen2("sdpa", "7b")
    ids = torch.randint(0, llm.vocabulary, (1, tokens))
    cache = llm.new_cache(2 * tokens)
    past, last = tokens, ids[:, -1:]

    def token():
        nonlocal past, last
        last = llm.logits(llm(llm.embed(last), cache, past)[:, -1]).argmax(-1, keepdim=True)
        past += 1
        return last.item()

    with torch.no_grad():
        llm(llm.embed(ids), cache)
        return fastest(token, 40)


def step(llm, trains_all):
    encoder = torch_models.Umt(224, "sdpa").requires_grad_(trains_all)
    encoder.positions.requires_grad_(False)
    llm.requires_grad_(trains_all)
    connector = torch_models.Connector(1024, llm.hidden)
    parameters = [p for m in (encoder, connector, llm) for p in m.parameters() if p.requires_grad]
    # Weights of the optimiser in fp32, as trainers keep them.
    masters = [torch.nn.Parameter(p.detach().float()) for p in parameters]
    adam = torch.optim.AdamW(masters, lr=1e-5, fused=True)
    pixels = torch.rand(16, 4, 3, 224, 224)
    ids = torch.randint(0, llm.vocabulary, (1, 256))
    labels = ids.clone()
    labels[:, : 2 * 256 // 3] = -100

    def once():
        with torch.set_grad_enabled(trains_all):
            features = encoder(pixels)
        visual = connector(features).flatten(0, 1)[None]
        text = llm.embed(ids)
        states = llm(torch.cat((text[:, :5], visual, text[:, 5:]), 1))
        predicting = torch.cat((states[:, :5], states[:, 5 + visual.size(1) :]), 1)[0, :-1]
        wanted = labels[0, 1:]
        logits = llm.logits(predicting[wanted != -100]).float()
        functional.cross_entropy(logits, wanted[wanted != -100]).backward()
        for master, parameter in zip(masters, parameters):
            master.grad, parameter.grad = parameter.grad.float(), None
        torch.nn.utils.clip_grad_norm_(masters, 1.0)
        adam.step()
        with torch.no_grad():
            torch._foreach_copy_(parameters, masters)

    return fastest(once, 5)


PEERS = {
    "product": lambda: product(8192),
    "umt_224": lambda: encode(torch_models.Umt(224, "sdpa"), 224),
    "umt_448": lambda: encode(torch_models.Umt(448, "sdpa"), 448),
    "internvideo2": lambda: encode(torch_models.InternVideo2("sdpa"), 224),
    "merge_784": lambda: merge(784),
    "merge_3136": lambda: merge(3136),
    "prefill_2048": lambda: prefill(2048),
    "prefill_16384": lambda: prefill(16384),
    "decode": lambda: decode(2048),
    "connector_step": lambda: step(torch_models.Qwen2("sdpa", "7b"), False),
    "full_step": lambda: step(torch_models.Qwen2("sdpa", "1_5b"), True),
}


def main():
    torch.set_default_device("cuda")
    torch.set_default_dtype(torch.bfloat16)
    for name in sys.argv[1:] or PEERS:
        torch.manual_seed(1)
        print(json.dumps({"name": name, **PEERS[name]()}), flush=True)
        torch.cuda.empty_cache()


if __name__ == "__main__":
    main()
