"""A 720p frame to the tensor that an encoder takes: Pillow with torch, and our resizer."""

import json
import sys

from side_by_side import TORCH, Measured, Row, at_least


def to_tensor(machine, side):
    mine, name, best = machine.compare(
        lambda: machine.ours("bench-preprocess", f"frame_to_tensor/{side}")["seconds"],
        {"Pillow and torch": lambda: machine.peer(__file__, side)["seconds"]},
    )
    # No fewer bytes than the frame's are read and the tensor's written.
    limit = (720 * 1280 * 3 + side * side * 3 * 4) / machine.limit("copy")
    return Measured(mine, best, name, limit)


ROWS = [
    Row(f"frame_{side}", f"a 720p frame to a {side} x {side} tensor, bicubic, on one thread",
        at_least(4), lambda machine, side=side: to_tensor(machine, side), ("bench-preprocess",),
        (*TORCH, "pillow==13.0.0"))
    for side in (224, 448)
]


def peer_main(side):
    import timeit

    import numpy
    import torch
    from PIL import Image

    torch.set_num_threads(1)
    frame = numpy.random.default_rng(1).integers(0, 256, (720, 1280, 3), numpy.uint8)
    mean = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
    std = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)

    def once():
        small = Image.fromarray(frame).resize((side, side), Image.BICUBIC)
        pixels = torch.from_numpy(numpy.array(small)).permute(2, 0, 1)
        return (pixels.float().div_(255).sub_(mean).div_(std)).contiguous()

    assert once().shape == (3, side, side)
    return {"seconds": min(timeit.repeat(once, number=10, repeat=10)) / 10}


if __name__ == "__main__":
    print(json.dumps(peer_main(int(sys.argv[1]))))
