"""The optimiser alone, and steps that train the connector or everything: plain PyTorch, and ours."""

import functools
import json
import sys

from side_by_side import (TORCH, Measured, Row, Wanted, at_least, both, fastest, forget_peak_memory,
                          peak_memory_mib)

OF_A_TENSOR = 2_000_000  # parameters


def optimiser(machine, tensors):
    benchmark = f"adamw_large/{tensors}/iterations:[0-9]+"
    mine, name, best = machine.compare(
        lambda: machine.ours("bench-optimizer", benchmark)["fastest"],
        {"fused AdamW": lambda: machine.peer(__file__, "optimiser", tensors)["seconds"]},
        rounds=2,
    )
    # Clipping reads the gradients; the step reads four numbers a parameter and writes three.
    limit = tensors * OF_A_TENSOR * 4 * 8 / machine.limit("copy")
    return Measured(mine, best, name, limit)


@functools.lru_cache(maxsize=None)
def sides(machine, trained):
    """What ours and the peer say of a step, its time and its memory."""
    ours = machine.ours("bench-video_chat", f"{trained}_step/iterations:[0-9]+")
    return ours, machine.peer(__file__, "step", trained)


def step(machine, trained):
    ours, peer = sides(machine, trained)
    return Measured(ours["fastest"], peer["seconds"], "torch")


def step_memory(machine, trained):
    ours, peer = sides(machine, trained)
    return Measured(ours["peak_MiB"], peer["peak_MiB"], "torch", unit="MiB")


def optimiser_row(name, tensors, by_name):
    millions = tensors * OF_A_TENSOR // 10**6
    return Row(name, f"clipping and AdamW over {millions} million parameters, fp32",
               both(at_least(1), Wanted(">= 0.7 of the copy bandwidth",
                                        lambda found: found.limit >= 0.7 * found.ours)),
               lambda machine: optimiser(machine, tensors), ("bench-optimizer",), TORCH, by_name)


def step_rows(trained, about, wanted, by_name):
    return [
        Row(f"{trained}_step", about, at_least(wanted), lambda machine: step(machine, trained),
            ("bench-video_chat",), TORCH, by_name),
        Row(f"{trained}_step_memory", "its memory at the highest", at_least(1),
            lambda machine: step_memory(machine, trained), ("bench-video_chat",), TORCH, by_name),
    ]


ROWS = [
    optimiser_row("optimiser", 100, False),
    optimiser_row("optimiser_786m", 393, True),
    *step_rows("connector", "a step of stage 1: UMT-L@224, ToMe16, Qwen2.5-0.5B, 8 frames, 256 tokens",
               1.2, False),
    *step_rows("full", "the same with everything trained, as in stage 2", 1, True),
]


# --- what runs among the peers -------------------------------------------------------------------


def optimiser_peer(tensors):
    import torch

    # As many tensors as a model of this size has, and as large.
    parts = [torch.nn.Parameter(torch.zeros(OF_A_TENSOR)) for _ in range(int(tensors))]
    for part in parts:
        part.grad = torch.full_like(part, 1e-3)
    adam = torch.optim.AdamW(parts, lr=1e-5, weight_decay=0.01, fused=True)

    def once():
        torch.nn.utils.clip_grad_norm_(parts, 1.0, foreach=True)
        adam.step()

    return {"seconds": fastest(once, 3)}


def step_peer(trained):
    import torch
    from torch.nn import functional

    import torch_models

    torch.manual_seed(1)
    encoder = torch_models.Umt(224, "sdpa").bfloat16()
    llm = torch_models.Qwen2("sdpa").bfloat16()
    connector = torch_models.Connector(1024, llm.hidden).bfloat16()
    if trained == "connector":
        encoder.requires_grad_(False)
        llm.requires_grad_(False)
    parameters = [p for part in (encoder, connector, llm) for p in part.parameters()
                  if p.requires_grad]
    # Weights of the optimiser in fp32, as trainers keep them.
    masters = [torch.nn.Parameter(p.detach().float()) for p in parameters]
    adam = torch.optim.AdamW(masters, lr=1e-3, fused=True)
    pixels = torch.rand(2, 4, 3, 224, 224).bfloat16()
    ids = torch.randint(0, llm.vocabulary, (1, 256))
    labels = ids.clone()
    labels[:, : 2 * 256 // 3] = -100

    def once():
        with torch.set_grad_enabled(trained == "full"):
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
            for master, parameter in zip(masters, parameters):
                parameter.copy_(master)

    forget_peak_memory()
    seconds = fastest(once, 2)
    return {"seconds": seconds, "peak_MiB": peak_memory_mib()}


if __name__ == "__main__":
    peer = {"optimiser": optimiser_peer, "step": step_peer}[sys.argv[1]]
    print(json.dumps(peer(*sys.argv[2:])))
