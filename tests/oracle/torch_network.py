"""Logits of mirscope's preset `small` from PyTorch's own layers; the numbers in tests/model.rs.

    python torch_network.py MODEL.safetensors PAIRS.tsv

Needs torch, numpy and safetensors. PAIRS has a miRNA and a site a line, both 5'->3'. `cargo test --test model
for_the_oracle -- --ignored --nocapture` writes both files. Weights lie [in, out] and [taps, in, out] in the file and
turned in PyTorch; query, key and value are one matrix there. Everything runs in double precision, without dropout.
"""
import math, sys
import numpy, torch
from safetensors.numpy import load_file
from torch import nn

WIDTH, HEADS, HIDDEN, LAYERS, TAPS = 64, 4, 256, 2, 7
MIRNA, SITE, PAD = 30, 40, 5
TOKENS = MIRNA + SITE


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens = nn.Embedding(6, WIDTH)
        self.segments = nn.Embedding(2, WIDTH)
        self.motifs = nn.Conv1d(WIDTH, WIDTH, TAPS, padding=TAPS // 2)
        layer = nn.TransformerEncoderLayer(
            WIDTH, HEADS, HIDDEN, 0.1, activation="gelu", batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, LAYERS, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(WIDTH)
        self.head = nn.Linear(WIDTH, 1)

    def forward(self, tokens):
        place = torch.arange(TOKENS, dtype=torch.float64)[:, None]
        rate = torch.exp(torch.arange(0, WIDTH, 2, dtype=torch.float64) * (-math.log(10000.0) / WIDTH))
        waves = torch.stack([torch.sin(place * rate), torch.cos(place * rate)], dim=2).reshape(TOKENS, WIDTH)
        of_site = (torch.arange(TOKENS) >= MIRNA).long()
        x = self.tokens(tokens) + self.segments(of_site) + waves
        x = x + nn.functional.gelu(self.motifs(x.transpose(1, 2))).transpose(1, 2)
        return self.head(self.norm(self.encoder(x)).mean(dim=1)).squeeze(-1)


def state(file):
    """The file's tensors under PyTorch's names; every tensor of the file is used once."""
    left = {name: numpy.asarray(x, dtype=numpy.float64) for name, x in load_file(file).items()}
    out = {}

    def linear(ours, theirs):
        out[theirs + "weight"], out[theirs + "bias"] = left.pop(ours + ".weight").T, left.pop(ours + ".bias")

    def norm(ours, theirs):
        out[theirs + "weight"], out[theirs + "bias"] = left.pop(ours + ".gamma"), left.pop(ours + ".beta")

    out["tokens.weight"], out["segments.weight"] = left.pop("tokens.table"), left.pop("segments.table")
    out["motifs.weight"], out["motifs.bias"] = left.pop("motifs.weight").transpose(2, 1, 0), left.pop("motifs.bias")
    for i in range(LAYERS):
        ours, theirs = f"layer{i}.", f"encoder.layers.{i}."
        names = [f"{ours}attention.{which}." for which in ("query", "key", "value")]
        out[theirs + "self_attn.in_proj_weight"] = numpy.concatenate([left.pop(n + "weight").T for n in names])
        out[theirs + "self_attn.in_proj_bias"] = numpy.concatenate([left.pop(n + "bias") for n in names])
        linear(ours + "attention.out", theirs + "self_attn.out_proj.")
        norm(ours + "norm1", theirs + "norm1.")
        norm(ours + "norm2", theirs + "norm2.")
        linear(ours + "up", theirs + "linear1.")
        linear(ours + "down", theirs + "linear2.")
    norm("norm", "norm.")
    linear("head", "head.")
    assert not left, f"not used: {sorted(left)}"
    return {name: torch.from_numpy(numpy.ascontiguousarray(x)) for name, x in out.items()}


def tokens(mirna, site):
    """The miRNA padded at its end, then the site padded at both, one more at its end where the room is odd."""
    room = SITE - len(site)
    ids = ["ACGUN".index(x) for x in mirna] + [PAD] * (MIRNA - len(mirna))
    return ids + [PAD] * (room // 2) + ["ACGUN".index(x) for x in site] + [PAD] * (room - room // 2)


model, pairs = sys.argv[1:]
network = Network().double().eval()
network.load_state_dict(state(model))
with open(pairs) as lines, torch.no_grad():
    rows = [line.split() for line in lines]
    for (mirna, site), logit in zip(rows, network(torch.tensor([tokens(*row) for row in rows])).tolist()):
        print(f"{logit:.9f}\t{mirna}\t{site}")
