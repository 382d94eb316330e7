"""The models as one writes them with PyTorch's own layers, random weights; the peers of models.py and
training.py run them. Attention is torch's scaled_dot_product_attention, or plain products."""

import torch
from side_by_side import LLM_SHAPES
from torch import nn
from torch.nn import functional


def attend(query, key, value, kind, causal):
    """[batch, heads, tokens, head_dim]; keys and values may have fewer heads."""
    if kind == "sdpa":
        grouped = query.size(1) != key.size(1)
        return functional.scaled_dot_product_attention(
            query, key, value, is_causal=causal, enable_gqa=grouped
        )
    repeats = query.size(1) // key.size(1)
    key, value = key.repeat_interleave(repeats, 1), value.repeat_interleave(repeats, 1)
    scores = query @ key.transpose(2, 3) * query.size(-1) ** -0.5
    if causal:
        later = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1)
        scores = scores.masked_fill(later, float("-inf"))
    return scores.softmax(-1, dtype=torch.float32).to(query.dtype) @ value


class EncoderBlock(nn.Module):
    def __init__(self, width, heads, kind):
        super().__init__()
        self.heads, self.kind = heads, kind
        self.norm1, self.norm2 = nn.LayerNorm(width, 1e-6), nn.LayerNorm(width, 1e-6)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        batch, tokens, width = x.shape
        parts = self.qkv(self.norm1(x)).view(batch, tokens, 3, self.heads, -1)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        mixed = attend(query, key, value, self.kind, False)
        x = x + self.out(mixed.transpose(1, 2).reshape(batch, tokens, width))
        return x + self.down(functional.gelu(self.up(self.norm2(x))))


class Umt(nn.Module):
    """UMT-L up to the layer whose output VideoChat-Flash takes."""

    def __init__(self, resolution, kind, width=1024, layers=23, heads=16, patch=16, frames=4):
        super().__init__()
        self.patches = nn.Conv3d(3, width, (1, patch, patch), (1, patch, patch))
        tokens = frames * (resolution // patch) ** 2
        self.positions = nn.Parameter(torch.randn(1, tokens, width) * 0.02, requires_grad=False)
        self.blocks = nn.ModuleList(EncoderBlock(width, heads, kind) for _ in range(layers))
        self.norm = nn.LayerNorm(width, 1e-12)

    def forward(self, pixels):
        """[clips, frames, 3, height, width]"""
        x = self.patches(pixels.transpose(1, 2)).flatten(2).transpose(1, 2) + self.positions
        for block in self.blocks:
            x = block(x)
        return self.norm(x)


class LayerScale(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.gain = nn.Parameter(torch.full((width,), 1e-5))

    def forward(self, x):
        return (x.float() * self.gain.float()).to(x.dtype)


class InternVideo2Block(nn.Module):
    def __init__(self, width, heads, inner, kind):
        super().__init__()
        self.heads, self.kind = heads, kind
        self.norm1, self.norm2 = RmsNorm(width), RmsNorm(width)
        self.q_norm, self.k_norm = RmsNorm(width), RmsNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width, bias=False), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, inner), nn.Linear(inner, width)
        self.scale1, self.scale2 = LayerScale(width), LayerScale(width)

    def forward(self, x):
        def heads(t):
            return t.unflatten(-1, (self.heads, -1)).transpose(1, 2)

        query, key, value = self.qkv(self.norm1(x)).chunk(3, -1)
        query, key = self.q_norm(query), self.k_norm(key)
        mixed = attend(heads(query), heads(key), heads(value), self.kind, False)
        x = x + self.scale1(self.out(mixed.transpose(1, 2).flatten(2)))
        return x + self.scale2(self.down(functional.gelu(self.up(self.norm2(x)))))


class InternVideo2(nn.Module):
    """InternVideo2-1B up to the layer whose output VideoChat-Flash takes."""

    def __init__(self, kind, resolution=224, width=1408, layers=39, heads=16, patch=14, frames=4):
        super().__init__()
        self.patches = nn.Conv3d(3, width, (1, patch, patch), (1, patch, patch))
        tokens = 1 + frames * (resolution // patch) ** 2
        self.first = nn.Parameter(torch.zeros(1, 1, width))
        self.positions = nn.Parameter(torch.randn(1, tokens, width) * 0.02)
        self.blocks = nn.ModuleList(
            InternVideo2Block(width, heads, 6144, kind) for _ in range(layers)
        )

    def forward(self, pixels):
        """[clips, frames, 3, height, width]"""
        x = self.patches(pixels.transpose(1, 2)).flatten(2).transpose(1, 2)
        x = torch.cat((self.first.expand(x.size(0), 1, -1), x), 1) + self.positions
        for block in self.blocks:
            x = block(x)
        return x[:, 1:]


def merge_tokens(x, target, heads):
    """Token merging by bipartite soft matching, at most half of the tokens a round."""
    size = torch.ones(x.size(0), x.size(1), 1, dtype=x.dtype)
    while x.size(1) > target:
        merged = min(x.size(1) - target, x.size(1) // 2)
        with torch.no_grad():
            metric = x.detach().unflatten(2, (heads, -1)).mean(2)
            metric = metric / metric.norm(dim=-1, keepdim=True)
            best, nearest = (metric[:, ::2] @ metric[:, 1::2].transpose(1, 2)).max(-1)
            order = best.argsort(dim=-1, descending=True, stable=True)
            source, kept = order[:, :merged, None], order[:, merged:, None]
            to = nearest[..., None].gather(1, source)

        def merge(t):
            even, odd = t[:, ::2], t[:, 1::2]
            wide = (-1, -1, t.size(2))
            odd = odd.scatter_add(1, to.expand(wide), even.gather(1, source.expand(wide)))
            return torch.cat((even.gather(1, kept.expand(wide)), odd), 1)

        x, size = merge(x * size), merge(size)
        x = x / size
    return x


class Connector(nn.Module):
    def __init__(self, width, out):
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(width, out), nn.GELU(), nn.Linear(out, out))

    def forward(self, features):
        return self.mlp(merge_tokens(features, 64, 16))


class RmsNorm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        wide = x.float()
        wide = wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + 1e-6)
        return wide.to(x.dtype) * self.weight


class DecoderLayer(nn.Module):
    def __init__(self, hidden, heads, kv_heads, intermediate, kind):
        super().__init__()
        self.heads, self.kv_heads, self.kind = heads, kv_heads, kind
        of_kv = hidden // heads * kv_heads
        self.q, self.k = nn.Linear(hidden, hidden), nn.Linear(hidden, of_kv)
        self.v, self.o = nn.Linear(hidden, of_kv), nn.Linear(hidden, hidden, bias=False)
        self.gate = nn.Linear(hidden, intermediate, bias=False)
        self.up = nn.Linear(hidden, intermediate, bias=False)
        self.down = nn.Linear(intermediate, hidden, bias=False)
        self.norm1, self.norm2 = RmsNorm(hidden), RmsNorm(hidden)

    def forward(self, x, cos, sin, cache, past):
        def heads(t, count):
            return t.unflatten(-1, (count, -1)).transpose(1, 2)

        def turn(t):
            first, second = t.chunk(2, -1)
            return t * cos + torch.cat((-second, first), -1) * sin

        y = self.norm1(x)
        query = turn(heads(self.q(y), self.heads))
        key, value = turn(heads(self.k(y), self.kv_heads)), heads(self.v(y), self.kv_heads)
        if cache is not None:
            end = past + x.size(1)
            cache[0][:, :, past:end], cache[1][:, :, past:end] = key, value
            key, value = cache[0][:, :, :end], cache[1][:, :, :end]
        mixed = attend(query, key, value, self.kind, causal=x.size(1) > 1)
        x = x + self.o(mixed.transpose(1, 2).flatten(2))
        y = self.norm2(x)
        return x + self.down(functional.silu(self.gate(y)) * self.up(y))


class Qwen2(nn.Module):
    """The shape of a Qwen2.5 of LLM_SHAPES, tied output layer. A cache has room for `room` tokens."""

    vocabulary = 151936

    def __init__(self, kind, size="0_5b"):
        super().__init__()
        shape = LLM_SHAPES[size]
        self.hidden, self.layers = shape.hidden, shape.layers
        self.heads, self.kv_heads = shape.heads, shape.kv_heads
        self.embed = nn.Embedding(self.vocabulary, self.hidden)
        shape = (self.hidden, self.heads, self.kv_heads, shape.intermediate, kind)
        self.decoder = nn.ModuleList(DecoderLayer(*shape) for _ in range(self.layers))
        self.norm = RmsNorm(self.hidden)
        width = self.hidden // self.heads
        self.frequencies = 1e6 ** -(torch.arange(0, width, 2).float() / width)

    def new_cache(self, room):
        shape = (self.layers, 2, 1, self.kv_heads, room, self.hidden // self.heads)
        return torch.empty(shape, dtype=self.embed.weight.dtype)

    def forward(self, x, cache=None, past=0):
        """[1, tokens, hidden] to the same"""
        angles = torch.arange(past, past + x.size(1)).float()[:, None] * self.frequencies
        angles = torch.cat((angles, angles), -1)
        cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
        for i, layer in enumerate(self.decoder):
            x = layer(x, cos, sin, None if cache is None else cache[i], past)
        return self.norm(x)

    def logits(self, states):
        return functional.linear(states, self.embed.weight)


# --- what is timed ---------------------------------------------------------------------------------


def prompt_of(llm, ids):
    """Passes a prompt, to the logits of its last token."""

    def work():
        cache = llm.new_cache(2 * ids.size(1))
        return llm.logits(llm(llm.embed(ids), cache)[:, -1])

    return work


def token_after(llm, ids):
    """A token after a prompt, to the choice of the next, one longer each time."""
    cache = llm.new_cache(2 * ids.size(1))
    llm(llm.embed(ids), cache)
    past, last = ids.size(1), ids[:, -1:]

    def work():
        nonlocal past, last
        last = llm.logits(llm(llm.embed(last), cache, past)[:, -1]).argmax(-1, keepdim=True)
        past += 1
        return last.item()

    return work


def step_of(trained, encoder, llm, clips, dtype=torch.bfloat16):
    """Forward, backward and the optimizer's step over a conversation of 256 tokens and a video.
    \\param trained connector or full"""
    connector = Connector(1024, llm.hidden).to(dtype)
    if trained == "connector":
        encoder.requires_grad_(False)
        llm.requires_grad_(False)
    parameters = [p for part in (encoder, connector, llm) for p in part.parameters()
                  if p.requires_grad]
    # Weights of the optimizer in fp32, as trainers keep them.
    masters = [nn.Parameter(p.detach().float()) for p in parameters]
    adam = torch.optim.AdamW(masters, lr=1e-5, fused=True)
    pixels = torch.rand(clips, 4, 3, 224, 224).to(dtype)
    ids = torch.randint(0, llm.vocabulary, (1, 256))
    labels = ids.clone()
    labels[:, : 2 * 256 // 3] = -100

    def work():
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
            torch._foreach_copy_(parameters, masters)

    return work
