"""Encoders, token merging and LLMs of real sizes, bf16, two threads: plain PyTorch, and ours; and how
long a program takes to start. Both sides are warmed by six runs, where a run takes long by two; the
fastest run counts."""

import json
import sys
import time

from side_by_side import LLM_SHAPES, TORCH, Measured, Row, at_least, at_most, both, fastest

TOKENS, VOCABULARY = 2048, 151936  # of a prompt; of the LLMs
FRAMES, QUESTION = 64, 32  # of a first token; tokens, one of which stands for the video


def encoder_flops(tokens, width, inner, layers):
    products = 2 * tokens * (4 * width * width + 2 * width * inner)
    return layers * (products + 4 * tokens * tokens * width)


def umt_flops(resolution):
    return encoder_flops(4 * (resolution // 16) ** 2, 1024, 4096, 23)


def kv_width(shape):
    return shape.hidden // shape.heads * shape.kv_heads


def llm_weights(shape):
    """Of the layers that are products."""
    attention = 2 * shape.hidden * shape.hidden + 2 * shape.hidden * kv_width(shape)
    return shape.layers * (attention + 3 * shape.hidden * shape.intermediate)


def prefill_flops(shape, tokens):
    return 2 * tokens * llm_weights(shape) + shape.layers * 2 * tokens * tokens * shape.hidden


def decode_bytes(shape, tokens):
    cache = shape.layers * 2 * tokens * kv_width(shape)
    return 2 * (llm_weights(shape) + shape.hidden * VOCABULARY + cache)


def compared(machine, benchmark, peer, argument, limit, kinds=("sdpa", "plain")):
    """\\param benchmark program and name"""

    def ours():
        program, called = benchmark
        return machine.ours(program, f"{called}/iterations:[0-9]+")["fastest"]

    def theirs(kind):
        return lambda: machine.peer(__file__, peer, kind, argument)["seconds"]

    mine, name, best = machine.compare(ours, {kind: theirs(kind) for kind in kinds}, rounds=1)
    return Measured(mine, best, name, limit)


def clip(machine, resolution):
    limit = umt_flops(resolution) / machine.limit("product_bf16")
    return compared(machine, ("bench-umt", f"clip_{resolution}"), "umt", resolution, limit)


def internvideo2(machine):
    limit = encoder_flops(1 + 4 * 16**2, 1408, 6144, 39) / machine.limit("product_bf16")
    return compared(machine, ("bench-internvideo2", "clip"), "internvideo2", 224, limit)


def merge(machine, tokens):
    # The features are read once.
    limit = tokens * 1024 * 2 / machine.limit("read")
    return compared(machine, ("bench-token_merging", f"merge/{tokens}"), "merge", tokens, limit,
                    ("torch",))


def prefill(machine, size):
    limit = prefill_flops(LLM_SHAPES[size], TOKENS) / machine.limit("product_bf16")
    return compared(machine, ("bench-qwen2", f"prefill_{size}"), "prefill", size, limit)


def decode(machine, size):
    limit = decode_bytes(LLM_SHAPES[size], TOKENS) / machine.limit("read")
    return compared(machine, ("bench-qwen2", f"decode_{size}"), "decode", size, limit)


def first_token(machine):
    prompt = prefill_flops(LLM_SHAPES["1_5b"], FRAMES * 16 + QUESTION - 1)
    work = FRAMES // 4 * umt_flops(224) + prompt
    limit = work / machine.limit("product_bf16")
    return compared(machine, ("bench-video_chat", "first_token"), "first_token", 224, limit,
                    ("sdpa",))


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


def llm_row(name, about, measure, size, by_name):
    return Row(name, f"Qwen2.5-{size.replace('_', '.').upper()}, {about}", at_least(1),
               lambda machine: measure(machine, size), ("bench-qwen2",), TORCH, by_name)


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
    Row("internvideo2", "a clip of 4 frames through InternVideo2-1B", at_least(1), internvideo2,
        ("bench-internvideo2",), TORCH, by_name=True),
    llm_row("prefill", "a prompt of 2,048 tokens", prefill, "0_5b", False),
    llm_row("prefill_1_5b", "the same", prefill, "1_5b", True),
    llm_row("decode", "a token after 2,048", decode, "0_5b", False),
    llm_row("decode_1_5b", "the same", decode, "1_5b", True),
    Row("first_token_2b", f"{FRAMES} frames at 224 pixels and a question to the first token, the 2B "
        "model's parts", at_least(1), first_token, ("bench-video_chat",), TORCH, by_name=True),
]


# --- what runs among the peers -------------------------------------------------------------------


def peer_main(name, kind, argument):
    import torch

    import torch_models

    torch.set_grad_enabled(False)
    torch.manual_seed(1)
    if name in ("umt", "internvideo2"):
        side = int(argument)
        made = torch_models.Umt(side, kind) if name == "umt" else torch_models.InternVideo2(kind)
        encoder = made.bfloat16()
        pixels = torch.rand(1, 4, 3, side, side).bfloat16()
        return fastest(lambda: encoder(pixels), 2 if name == "internvideo2" or side > 224 else 5)
    if name == "merge":
        features = torch.randn(1, int(argument), 1024).bfloat16()
        return fastest(lambda: torch_models.merge_tokens(features, 64, 16), 30)
    if name == "first_token":
        return first_token_peer(kind, int(argument))

    llm = torch_models.Qwen2(kind, argument).bfloat16()
    ids = torch.randint(0, llm.vocabulary, (1, TOKENS))
    if name == "prefill":
        return fastest(torch_models.prompt_of(llm, ids), 2)
    return fastest(torch_models.token_after(llm, ids), 40)


def first_token_peer(kind, side):
    import torch

    import torch_models

    encoder = torch_models.Umt(side, kind).bfloat16()
    llm = torch_models.Qwen2(kind, "1_5b").bfloat16()
    connector = torch_models.Connector(1024, llm.hidden).bfloat16()
    pixels = torch.rand(FRAMES // 4, 4, 3, side, side)
    ids = torch.randint(0, llm.vocabulary, (1, QUESTION - 1))

    def answer():
        visual = connector(encoder(pixels.bfloat16())).flatten(0, 1)[None]
        text = llm.embed(ids)
        prompt = torch.cat((text[:, :5], visual, text[:, 5:]), 1)
        cache = llm.new_cache(prompt.size(1) + 256)
        return llm.logits(llm(prompt, cache)[:, -1]).argmax(-1).item()

    return fastest(answer, 2, warm=2)


if __name__ == "__main__":
    print(json.dumps({"seconds": peer_main(*sys.argv[1:])}))
