"""The optimiser alone, and a step that trains the connector: plain PyTorch, and ours."""

import json
import sys
import time

from side_by_side import TORCH, Measured, Row, at_least, both, Wanted

PARAMETERS = 200_000_000


def optimiser(machine):
    mine, name, best = machine.compare(
        lambda: machine.ours("bench-optimizer", "adamw_large/iterations:[0-9]+")["fastest"],
        {"fused AdamW": lambda: machine.peer(__file__, "optimiser")["seconds"]},
        rounds=2,
    )
    # Clipping reads the gradients; the step reads four numbers a parameter and writes three.
    limit = PARAMETERS * 4 * 8 / machine.limit("copy")
    return Measured(mine, best, name, limit)


def step(machine):
    mine, name, best = machine.compare(
        lambda: machine.ours("bench-video_chat", "connector_step/iterations:[0-9]+")["fastest"],
        {"torch": lambda: machine.peer(__file__, "step")["seconds"]},
        rounds=1,
    )
    return Measured(mine, best, name)


def step_memory(machine):
    ours = machine.ours("bench-video_chat", "connector_step/iterations:[0-9]+")["peak_MiB"]
    return Measured(ours, machine.peer(__file__, "step")["peak_MiB"], "torch", unit="MiB")


ROWS = [
    Row("optimiser", f"clipping and AdamW over {PARAMETERS // 10**6} million parameters, fp32",
        both(at_least(1), Wanted(">= 0.7 of the copy bandwidth",
                                 lambda found: found.limit >= 0.7 * found.ours)),
        optimiser, ("bench-optimizer",), TORCH),
    Row("connector_step", "a step of stage 1: UMT-L@224, ToMe16, Qwen2.5-0.5B, 8 frames, 256 tokens",
        at_least(1.2), step, ("bench-video_chat",), TORCH),
    Row("connector_step_memory", "its memory at the highest", at_least(1), step_memory,
        ("bench-video_chat",), TORCH),
]


# --- what runs among the peers -------------------------------------------------------------------


def fastest(work, runs, warm):
    for _ in range(warm):
        work()
    best = float("inf")
    for _ in range(runs):
        begin = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - begin)
    return best


def optimiser_peer():
    import torch

    # As many tensors as a model of this size has, and as large.
    parts = [torch.nn.Parameter(torch.zeros(PARAMETERS // 100)) for _ in range(100)]
    for part in parts:
        part.grad = torch.full_like(part, 1e-3)
    adam = torch.optim.AdamW(parts, lr=1e-5, weight_decay=0.01, fused=True)

    def once():
        torch.nn.utils.clip_grad_norm_(parts, 1.0, foreach=True)
        adam.step()

    return {"seconds": fastest(once, 3, 2)}


def step_peer():
    import torch
    from torch.nn import functional

    import torch_models

    torch.manual_seed(1)
    encoder = torch_models.Umt(224, "sdpa").bfloat16().requires_grad_(False)
    llm = torch_models.Qwen2("sdpa").bfloat16().requires_grad_(False)
    connector = torch_models.Connector(1024, llm.hidden).bfloat16()
    # Weights of the optimiser in fp32, as trainers keep them.
    masters = [torch.nn.Parameter(p.detach().float()) for p in connector.parameters()]
    adam = torch.optim.AdamW(masters, lr=1e-3, fused=True)
    pixels = torch.rand(2, 4, 3, 224, 224).bfloat16()
    ids = torch.randint(0, llm.vocabulary, (1, 256))
    labels = ids.clone()
    labels[:, : 2 * 256 // 3] = -100

    def once():
        with torch.no_grad():
            features = encoder(pixels)
        visual = connector(features).flatten(0, 1)[None]
        text = llm.embed(ids)
        states = llm(torch.cat((text[:, :5], visual, text[:, 5:]), 1))
        predicting = torch.cat((states[:, :5], states[:, 5 + visual.size(1) :]), 1)[0, :-1]
        wanted = labels[0, 1:]
        logits = llm.logits(predicting[wanted != -100]).float()
        functional.cross_entropy(logits, wanted[wanted != -100]).backward()
        for master, parameter in zip(masters, connector.parameters()):
            master.grad, parameter.grad = parameter.grad.float(), None
        torch.nn.utils.clip_grad_norm_(masters, 1.0)
        adam.step()
        with torch.no_grad():
            for master, parameter in zip(masters, connector.parameters()):
                parameter.copy_(master)

    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")  # the highest so far is the present
    seconds = fastest(once, 2, 6)
    with open("/proc/self/status") as file:
        peak = next(line.split()[1] for line in file if line.startswith("VmHWM:"))
    return {"seconds": seconds, "peak_MiB": int(peak) / 1024}


if __name__ == "__main__":
    print(json.dumps({"optimiser": optimiser_peer, "step": step_peer}[sys.argv[1]]()))
