#!/usr/bin/env python3
"""What bench/gpu/gpu_bench.cpp does, with PyTorch's own layers (bench/peers/torch_models.py).

  bench/gpu/peers.py NAME...    prints a line of JSON a name: seconds of the fastest run, peak memory
"""

import json
import pathlib
import sys

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "peers"))
sys.dont_write_bytecode = True
import side_by_side  # noqa: E402
import torch_models  # noqa: E402


def fastest(work, runs):
    def once():
        work()
        torch.cuda.synchronize()

    torch.cuda.reset_peak_memory_stats()
    seconds = side_by_side.fastest(once, runs)
    return {"fastest": seconds, "peak_MiB": torch.cuda.max_memory_allocated() >> 20}


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


def with_llm(work_of, tokens, runs):
    llm = torch_models.Qwen2("sdpa", "7b")
    ids = torch.randint(0, llm.vocabulary, (1, tokens))
    with torch.no_grad():
        return fastest(work_of(llm, ids), runs)


def step(trained, size):
    encoder, llm = torch_models.Umt(224, "sdpa"), torch_models.Qwen2("sdpa", size)
    return fastest(torch_models.step_of(trained, encoder, llm, 16), 5)


PEERS = {
    "product": lambda: product(8192),
    "umt_224": lambda: encode(torch_models.Umt(224, "sdpa"), 224),
    "umt_448": lambda: encode(torch_models.Umt(448, "sdpa"), 448),
    "internvideo2": lambda: encode(torch_models.InternVideo2("sdpa"), 224),
    "merge_784": lambda: merge(784),
    "merge_3136": lambda: merge(3136),
    "prefill_2048": lambda: with_llm(torch_models.prompt_of, 2048, 3),
    "prefill_16384": lambda: with_llm(torch_models.prompt_of, 16384, 3),
    "decode": lambda: with_llm(torch_models.token_after, 2048, 40),
    "connector_step": lambda: step("connector", "7b"),
    "full_step": lambda: step("full", "1_5b"),
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
