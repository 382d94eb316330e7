"""The optimizer alone, and steps that train the connector or everything: plain PyTorch, and ours."""

import functools
import json
import sys

from side_by_side import (TORCH, Measured, Row, Wanted, at_least, both, fastest, forget_peak_memory,
                          peak_memory_mib)

OF_A_TENSOR = 2_000_000  # parameters


def optimizer(machine, tensors):
    benchmark = f"adamw_large/{tensors}/iterations:[0-9]+"
    mine, name, best = machine.compare(
        lambda: machine.ours("bench-optimizer", benchmark)["fastest"],
        {"fused AdamW": lambda: machine.peer(__file__, "optimizer", tensors)["seconds"]},
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


def optimizer_row(name, tensors, by_name):
    millions = tensors * OF_A_TENSOR // 10**6
    return Row(name, f"clipping and AdamW over {millions} million parameters, fp32",
               both(at_least(1), Wanted(">= 0.7 of the copy bandwidth",
                                        lambda found: found.limit >= 0.7 * found.ours)),
               lambda machine: optimizer(machine, tensors), ("bench-optimizer",), TORCH, by_name)


def step_rows(trained, about, wanted, memory_wanted, by_name):
    return [
        Row(f"{trained}_step", about, at_least(wanted), lambda machine: step(machine, trained),
            ("bench-video_chat",), TORCH, by_name),
        Row(f"{trained}_step_memory", "its memory at the highest", at_least(memory_wanted),
            lambda machine: step_memory(machine, trained), ("bench-video_chat",), TORCH, by_name),
    ]


ROWS = [
    optimizer_row("optimizer", 100, False),
    optimizer_row("optimizer_786m", 393, True),
    *step_rows("connector", "a step of stage 1: UMT-L@224, ToMe16, Qwen2.5-0.5B, 8 frames, 256 tokens",
               1.2, 1, False),
    *step_rows("full", "the same with everything trained, as in stage 2", 1.1, 1.18,
               True),
]


# --- what runs among the peers -------------------------------------------------------------------


def optimizer_peer(tensors):
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

    import torch_models

    torch.manual_seed(1)
    encoder = torch_models.Umt(224, "sdpa").bfloat16()
    work = torch_models.step_of(trained, encoder, torch_models.Qwen2("sdpa").bfloat16(), 2)
    forget_peak_memory()
    seconds = fastest(work, 2)
    return {"seconds": seconds, "peak_MiB": peak_memory_mib()}


if __name__ == "__main__":
    peer = {"optimizer": optimizer_peer, "step": step_peer}[sys.argv[1]]
    print(json.dumps(peer(*sys.argv[2:])))
