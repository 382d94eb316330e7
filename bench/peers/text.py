"""Tokenizing with Qwen2.5's vocabulary on one thread: Hugging Face's tokenizers, and ours."""

import gzip
import json
import sys
import time
from random import Random

from side_by_side import SOURCES, Measured, Row, at_least

GOLDEN = SOURCES / "tests" / "golden" / "data"
DOCUMENT, WHOLE = 4096, 1 << 20  # characters


def is_cjk(character):
    return "\u3040" <= character <= "\u30ff" or "\u4e00" <= character <= "\u9fff"


def vocabulary_words():
    """The Chinese and Japanese words of the vocabulary, frequent ones first."""
    # Byte-level vocabularies spell bytes as characters: printable ones as themselves.
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    byte_of = {chr(byte): byte for byte in plain}
    others = (byte for byte in range(256) if byte not in plain)
    byte_of.update({chr(256 + i): byte for i, byte in enumerate(others)})
    words = []
    for spelling in json.loads(tokenizer_json())["model"]["vocab"]:
        text = bytes(byte_of[character] for character in spelling).decode("utf-8", "ignore")
        if text and all(map(is_cjk, text)):
            words.append(text)
    return words


def corpus(language):
    """Text of the language: this project's own pages, or sentences of the vocabulary's words, which
    fall off in frequency as words of a language do."""
    if language == "english":
        pages = [SOURCES / "README.md", *sorted((SOURCES / "docs").glob("*.md"))]
        return "\n".join(page.read_text(encoding="utf-8") for page in pages)
    random, words = Random(1), vocabulary_words()
    drawn = iter(random.choices(words, [1 / (10 + i) for i in range(len(words))], k=WHOLE // 4))
    sentences, size = [], 0
    while size < WHOLE:
        sentence = "".join(next(drawn) for _ in range(random.randint(3, 14)))
        sentences.append(sentence + random.choice("，，。？！\n"))
        size += len(sentences[-1].encode())
    return "".join(sentences)


def documents_file(machine, language):
    """About a mebibyte of documents of about 4 KiB, a zero byte between them."""
    path = machine.inputs / f"{language}.txt"
    text = corpus(language)
    while len(text.encode()) < WHOLE:
        text += "\n" + corpus(language)
    parts = [text[at : at + DOCUMENT] for at in range(0, len(text), DOCUMENT)]
    path.write_text("\0".join(parts), encoding="utf-8")
    return path


def tokenizer_json():
    return gzip.decompress((GOLDEN / "tokenizer/qwen2_5/tokenizer.json.gz").read_bytes())


def tokenizer_file(machine):
    path = machine.inputs / "tokenizer.json"
    path.write_bytes(tokenizer_json())
    return path


def tokenize(machine, language):
    documents, tokenizer = documents_file(machine, language), tokenizer_file(machine)
    counts = set()

    def ours():
        found = machine.ours("bench-tokenizer", "encode_documents", VCFLASH_BENCH_TEXT=documents)
        counts.add(int(found["tokens"]))
        return found["fastest"]

    def theirs():
        found = machine.peer(__file__, tokenizer, documents)
        counts.add(found["tokens"])
        return found["seconds"]

    mine, name, best = machine.compare(ours, {"tokenizers": theirs})
    assert len(counts) == 1, f"the two sides make different numbers of tokens: {counts}"
    return Measured(mine, best, name, documents.stat().st_size / machine.limit("read"))


ROWS = [
    Row(f"tokenize_{language}", f"a mebibyte of {words}, in documents of 4 KiB", at_least(8),
        lambda machine, language=language: tokenize(machine, language), ("bench-tokenizer",),
        ("tokenizers==0.23.3",))
    for language, words in (("english", "English"), ("cjk", "Chinese and Japanese"))
]


def peer_main(tokenizer, documents):
    from tokenizers import Tokenizer

    loaded = Tokenizer.from_file(tokenizer)
    with open(documents, encoding="utf-8", newline="") as file:
        parts = file.read().split("\0")
    best = float("inf")
    for _ in range(3):
        begin = time.perf_counter()
        tokens = sum(len(loaded.encode(part, add_special_tokens=False).ids) for part in parts)
        best = min(best, time.perf_counter() - begin)
    return {"seconds": best, "tokens": tokens}


if __name__ == "__main__":
    print(json.dumps(peer_main(*sys.argv[1:])))
