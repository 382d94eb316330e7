"""Encoder, token merging and LLM of real sizes, bf16, two threads: plain PyTorch, and ours; and how long
a program takes to start. Both sides are warmed by six runs; the fastest run counts."""

import json
import sys
import time

from side_by_side import TORCH, Measured, Row, at_least, at_most, both

TOKENS = 2048  # of a prompt


def umt_flops(tokens, width=1024, layers=23):
    return layers * (24 * tokens * width * width + 4 * tokens * tokens * width)


def llm_weights(hidden=896, layers=24, intermediate=4864, kv_width=128):
    """Of the layers that are products."""
    return layers * (2 * hidden * hidden + 2 * hidden * kv_width + 3 * hidden * intermediate)


def prefill_flops(tokens, hidden=896, layers=24):
    return 2 * tokens * llm_weights() + layers * 2 * tokens * tokens * hidden


def decode_bytes(tokens, hidden=896, vocabulary=151936, layers=24, kv_width=128):
    return 2 * (llm_weights() + hidden * vocabulary + layers * 2 * tokens * kv_width)


def compared(machine, program, benchmark, peer, argument, limit):
    def ours():
        return machine.ours(program, benchmark)["fastest"]

    def theirs(kind):
        return lambda: machine.peer(__file__, peer, kind, argument)["seconds"]

    kinds = ("torch",) if peer == "merge" else ("sdpa", "plain")
    mine, name, best = machine.compare(ours, {kind: theirs(kind) for kind in kinds}, rounds=1)
    return Measured(mine, best, name, limit)


def clip(machine, resolution):
    work = umt_flops(4 * (resolution // 16) ** 2)
    limit = work / machine.limit("product_bf16")
    return compared(machine, "bench-umt", f"clip_{resolution}/iterations:[0-9]+", "clip", resolution,
                    limit)


def merge(machine, tokens):
    # The features are read once.
    limit = tokens * 1024 * 2 / machine.limit("read")
    return compared(machine, "bench-token_merging", f"merge/{tokens}/iterations:[0-9]+", "merge",
                    tokens, limit)


def prefill(machine):
    limit = prefill_flops(TOKENS) / machine.limit("product_bf16")
    return compared(machine, "bench-qwen2", "prefill/iterations:[0-9]+", "prefill", TOKENS, limit)


def decode(machine):
    limit = decode_bytes(TOKENS) / machine.limit("read")
    return compared(machine, "bench-qwen2", "decode/iterations:[0-9]+", "decode", TOKENS, limit)


def start(machine):
    def seconds(command):
        begin = time.perf_counter()
        machine.output_of(command)
        return time.perf_counter() - begin

    flags = ("--benchmark_filter=^first_kernel/", "--benchmark_format=json")
    ours = [machine.build / "bin" / "bench-tensor", *flags]
    theirs = [machine.folder / "bin" / "python", "-c", "import torch; torch.ones(1024).sum().item()"]
    mine, name, best = machine.compare(
        lambda: seconds(ours), {"import torch": lambda: seconds(theirs)}, rounds=5
    )
    return Measured(mine, best, name)


ROWS = [
    Row("start", "a program from its start to its end, with one kernel between",
        both(at_least(1), at_most(0.5, "s")), start, ("bench-tensor",), TORCH),
    Row("merge_784", "ToMe, a clip's 784 tokens to 64", at_least(1),
        lambda machine: merge(machine, 784), ("bench-token_merging",), TORCH),
    Row("merge_3136", "ToMe, a clip's 3,136 tokens to 64", at_least(1),
        lambda machine: merge(machine, 3136), ("bench-token_merging",), TORCH),
    Row("umt_224", "a clip of 4 frames through UMT-L at 224 pixels", at_least(1),
        lambda machine: clip(machine, 224), ("bench-umt",), TORCH),
    Row("umt_448", "the same at 448 pixels", at_least(1), lambda machine: clip(machine, 448),
        ("bench-umt",), TORCH, by_name=True),
    Row("prefill", "Qwen2.5-0.5B, a prompt of 2,048 tokens", at_least(1), prefill,
        ("bench-qwen2",), TORCH),
    Row("decode", "Qwen2.5-0.5B, a token after 2,048", at_least(1), decode, ("bench-qwen2",),
        TORCH),
]


# --- what runs among the peers -------------------------------------------------------------------


def fastest(work, runs):
    for _ in range(6):
        work()
    best = float("inf")
    for _ in range(runs):
        begin = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - begin)
    return {"seconds": best}


def peer_main(name, kind, number):
    import torch

    import torch_models

    torch.set_grad_enabled(False)
    torch.manual_seed(1)
    if name == "clip":
        encoder = torch_models.Umt(number, kind).bfloat16()
        pixels = torch.rand(1, 4, 3, number, number).bfloat16()
        return fastest(lambda: encoder(pixels), 5 if number < 448 else 2)
    if name == "merge":
        features = torch.randn(1, number, 1024).bfloat16()
        return fastest(lambda: torch_models.merge_tokens(features, 64, 16), 30)

    llm = torch_models.Qwen2(kind).bfloat16()
    ids = torch.randint(0, llm.vocabulary, (1, number))
    if name == "prefill":

        def prompt():
            cache = llm.new_cache(2 * number)
            return llm.logits(llm(llm.embed(ids), cache)[:, -1])

        return fastest(prompt, 2)

    cache = llm.new_cache(2 * number)
    llm(llm.embed(ids), cache)
    past, last = number, ids[:, -1:]

    def token():
        nonlocal past, last
        last = llm.logits(llm(llm.embed(last), cache, past)[:, -1]).argmax(-1, keepdim=True)
        past += 1
        return last.item()

    return fastest(token, 40)


if __name__ == "__main__":
    print(json.dumps(peer_main(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
