"""Frames of a 720p H.264 file: decord, torchcodec, OpenCV, and our reader."""

import json
import sys
import time

from side_by_side import TORCH, Measured, Row, at_least, at_most, both, within

WIDTH, HEIGHT, RATE, KEY_FRAME_EVERY = 1280, 720, 25, 250
PYAV, DECORD, TORCHCODEC, OPENCV = (
    "av==18.1.0",
    "decord==0.6.0",
    "torchcodec==0.11.1",
    "opencv-python-headless==4.14.0.94",
)


def video_file(machine, seconds):
    path = machine.inputs / f"720p-{seconds}s.mp4"
    if not path.exists():
        machine.say(f"writing {path}, once")
        machine.peer(__file__, "write", path, seconds)
    return path


def frames(machine, count, seconds):
    path = video_file(machine, seconds)
    limit = machine.ours("bench-video", "decode_everything/real_time", VCFLASH_BENCH_VIDEO=path)

    def ours():
        name = f"read_given/frames:{count}/side:0/real_time"
        return machine.ours("bench-video", name, VCFLASH_BENCH_VIDEO=path)["seconds"]

    def reader(name):
        def run():
            found = machine.peer(__file__, name, path, count)
            if "unavailable" in found:
                machine.say(f"{name} is left out: {found['unavailable']}")
            return found.get("seconds", float("inf"))

        return run

    # Seeking takes several times as long unless the frames that are wanted are far from each other.
    seeks = ("opencv_seek",) if count < 2 * seconds * RATE / KEY_FRAME_EVERY else ()
    peers = {name: reader(name) for name in ("decord", "torchcodec", "opencv", *seeks)}
    rounds = 2 if seconds <= 60 else 1
    mine, name, best = machine.compare(ours, peers, rounds)
    return Measured(mine, best, name, limit["seconds"])


def memory(machine):
    """What 512 frames at 448 pixels take at the highest, beyond the tensor they end in."""
    path = video_file(machine, 60)
    name = "video_sample/iterations:1/real_time"
    found = machine.ours("bench-sample_maker", name, VCFLASH_BENCH_VIDEO=path)
    ours = found["over_the_tensor_MiB"]
    peer = machine.peer(__file__, "memory", path, 512)["over_the_tensor_MiB"]
    return Measured(ours, peer, "decord and Pillow", unit="MiB")


def row(count, seconds, wanted):
    return Row(
        f"frames_{count}" if seconds == 60 else f"frames_{count}_of_{seconds}s",
        f"{count} frames of a {seconds} s 720p H.264 file, a key frame every {KEY_FRAME_EVERY}",
        wanted,
        lambda machine: frames(machine, count, seconds),
        ("bench-video",),
        (*TORCH, PYAV, DECORD, TORCHCODEC, OPENCV),
        by_name=seconds > 60,
    )


ROWS = [
    row(64, 60, at_least(1)),
    row(512, 60, both(at_least(1), within(1.15))),
    row(64, 600, at_least(1)),
    row(512, 600, both(at_least(1), within(1.15))),
    Row("frames_memory", "512 frames at 448 pixels, memory beyond the tensor", at_most(64, "MiB"),
        memory, ("bench-sample_maker",), (*TORCH, PYAV, DECORD, "pillow==13.0.0")),
]


# --- what runs among the peers -------------------------------------------------------------------


def indices(length, count):
    """The middle of equal intervals, as ours are chosen."""
    import numpy

    edges = numpy.linspace(0, length, count + 1).astype(int)
    return [int((a + b) // 2) for a, b in zip(edges[:-1], edges[1:])]


def write(path, seconds):
    """Patterns that drift, boxes that cross them, a little noise: 25 frames a second, libx264's own
    settings but for the key frames."""
    import os

    import av
    import numpy

    random = numpy.random.default_rng(1)

    def smooth(cell):
        small = random.integers(40, 216, (HEIGHT * 2 // cell, WIDTH * 2 // cell, 3), numpy.uint8)
        large = small.repeat(cell, 0).repeat(cell, 1)
        for axis in (0, 1):
            wide = large.astype(numpy.uint16)
            for shift in (1, 2, 4, 8):
                wide = (wide + numpy.roll(wide, shift, axis)) >> 1
            large = wide.astype(numpy.uint8)
        return large

    grounds = [smooth(cell) for cell in (16, 40, 80)]
    grain = random.integers(0, 7, (16, HEIGHT, WIDTH, 1), numpy.uint8)
    unfinished = path + ".unfinished"
    with av.open(unfinished, "w", format="mp4") as file:
        stream = file.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.options = {"g": str(KEY_FRAME_EVERY), "sc_threshold": "0"}
        for i in range(seconds * RATE):
            ground = grounds[i // 200 % 3]
            y, x = i % 200 * 2, i % 200 * 5
            picture = ground[y : y + HEIGHT, x : x + WIDTH] + grain[i % 16]
            for box in range(5):
                top = (box * 137 + i * (box + 1)) % (HEIGHT - 120)
                left = (box * 211 + i * (7 - box)) % (WIDTH - 160)
                picture[top : top + 120, left : left + 160] = (50 * box, 255 - 40 * box, 128)
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")):
                file.mux(packet)
        for packet in stream.encode():
            file.mux(packet)
    os.rename(unfinished, path)


def decord_frames(path, count):
    import decord

    reader = decord.VideoReader(path)
    return reader.get_batch(indices(len(reader), count)).asnumpy()


def torchcodec_frames(path, count):
    from torchcodec.decoders import VideoDecoder

    decoder = VideoDecoder(path, dimension_order="NHWC", num_ffmpeg_threads=0)
    return decoder.get_frames_at(indices(decoder.metadata.num_frames, count)).data


def opencv_frames(path, count, seek):
    import cv2

    capture = cv2.VideoCapture(path)
    wanted = indices(int(capture.get(cv2.CAP_PROP_FRAME_COUNT)), count)
    pictures, at = [], 0
    for index in wanted:
        if seek:
            capture.set(cv2.CAP_PROP_POS_FRAMES, index)
        else:
            for _ in range(index - at):
                capture.grab()
        good, picture = capture.read()
        assert good
        pictures.append(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))
        at = index + 1
    return pictures


def peak_over_tensor(path, count):
    import resource

    import decord
    import numpy
    import torch
    from PIL import Image

    def peak():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    reader = decord.VideoReader(path)
    before = peak()
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    tensor = torch.empty(count, 3, 448, 448)
    for i, picture in enumerate(reader.get_batch(indices(len(reader), count)).asnumpy()):
        small = Image.fromarray(picture).resize((448, 448), Image.BICUBIC)
        pixels = torch.from_numpy(numpy.array(small))
        tensor[i] = ((pixels / 255 - mean) / std).permute(2, 0, 1)
    return peak() - before - tensor.nbytes / 2**20


def peer_main(name, path, number):
    number = int(number)
    if name == "write":
        return write(path, number) or {}
    if name == "memory":
        return {"over_the_tensor_MiB": peak_over_tensor(path, number)}
    read = {
        "decord": decord_frames,
        "torchcodec": torchcodec_frames,
        "opencv": lambda *a: opencv_frames(*a, seek=False),
        "opencv_seek": lambda *a: opencv_frames(*a, seek=True),
    }[name]
    try:
        read(path, 1)  # what is loaded and made once
    except RuntimeError as error:
        if name != "torchcodec":
            raise
        needs = "it needs all of FFmpeg's libraries (Debian: libavdevice59)"
        return {"unavailable": f"{needs}: {str(error).splitlines()[0]}"}
    begin = time.perf_counter()
    pictures = read(path, number)
    seconds = time.perf_counter() - begin
    assert len(pictures) == number and tuple(pictures[0].shape) == (HEIGHT, WIDTH, 3)
    return {"seconds": seconds}


if __name__ == "__main__":
    print(json.dumps(peer_main(*sys.argv[1:])))
