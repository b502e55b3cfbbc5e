"""The same networks and operations in mirscope, PyTorch and ONNX Runtime, turn about on one machine.

    cargo build --release --example speed
    python3 -m venv peers && peers/bin/pip install torch onnx onnxruntime numpy
    peers/bin/python benches/peers.py [train] [infer] [attention] [conv1d] [--threads 2] [--rounds 5] [--seconds 2] [--compile]

Each round runs ours, then theirs, each the median of `--seconds` of calls; a row is the median of the rounds, and its ratio
the median of the rounds' ratios, with the least and the greatest. The peak is what the threads together multiply and add in
registers, measured in every round. FLOPs: forward counts the products of the convolution, the linear layers and attention;
a training step counts three times forward. Run it alone on the machine. With `--device cuda:0 --precision bf16` both sides use
that GPU, train at 256 and 4,096 and infer up to 4,096; PyTorch then multiplies in tf32, or in bf16 under autocast,
torch.compile captures CUDA graphs, and attention is timed by each of PyTorch's backends that takes it. The share is there of
the rate that the floor allows: the operations at the rate of a product of 8,192 cubed, or the bytes at that of a copy of 1 GiB,
whichever takes longer, both measured on the card by PyTorch. Bytes count what a network's layers, each one kernel, would
read and write: their rows, in f32; for attention its operands and results.
"""

import argparse
import itertools
import json
import math
import multiprocessing
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
import typing

OURS = pathlib.Path(__file__).parent.parent / "target/release/examples/speed"
CONFIGS = {"small": dict(d=64, h=4, f=256, n=2), "base": dict(d=128, h=8, f=512, n=4)}
TOKENS, MIRNA, TAPS = 70, 30, 7
BATCHES = [1, 256, 1024]
ATTENTION = [(256, 4, 70, 16), (256, 8, 70, 16), (1, 8, 1024, 64), (1, 8, 4096, 64)]
GPU_BATCHES = [1, 256, 4096]
GPU_ATTENTION = [(4096, 4, 70, 16), (4096, 8, 70, 16), (4096, 4, 70, 32), (4, 16, 4096, 64)]


def forward_flops(d, h, f, n):
    return 2 * TOKENS * d * d * TAPS + n * (2 * TOKENS * (4 * d * d + 2 * d * f) + 4 * TOKENS**2 * d)


class Work(typing.NamedTuple):
    flops: float
    bytes: float = 0

    def floor(self, peak, bandwidth):
        """Seconds, of so many operations and bytes in one."""
        return max(self.flops / peak, self.bytes / bandwidth)


def network_work(passes, batch, config):
    """`passes`: 1 forward, 3 with backward."""
    rows = (config["n"] + 1) * 2 * batch * TOKENS * config["d"] * 4
    return Work(passes * batch * forward_flops(**config), passes * rows)


def attention_works(b, h, l, d):
    """Forward, which reads three operands and writes one; and with backward, which reads five more and writes three."""
    flops, operand = b * h * l * l * d, b * h * l * d * 4
    return Work(4 * flops, 4 * operand), Work(14 * flops, 12 * operand)


def median_seconds(call, seconds):
    """Of as many calls as fit, after three that warm up."""
    for _ in range(3):
        call()
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 3:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def network(d, h, f, n):
    import torch
    from torch import nn

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.tokens, self.segments = nn.Embedding(6, d), nn.Embedding(2, d)
            place = torch.arange(TOKENS).unsqueeze(1) * torch.exp(torch.arange(0, d, 2) * (-math.log(10000.0) / d))
            self.register_buffer("places", torch.stack([place.sin(), place.cos()], -1).reshape(TOKENS, d))
            self.register_buffer("segment", (torch.arange(TOKENS) >= MIRNA).long())
            self.motifs = nn.Conv1d(d, d, TAPS, padding=TAPS // 2)
            layer = nn.TransformerEncoderLayer(d, h, f, 0.1, activation="gelu", batch_first=True, norm_first=True)
            self.layers = nn.TransformerEncoder(layer, n, enable_nested_tensor=False)
            self.norm, self.head = nn.LayerNorm(d), nn.Linear(d, 1)

        def forward(self, x):
            x = self.tokens(x) + self.segments(self.segment) + self.places
            x = x + nn.functional.gelu(self.motifs(x.transpose(1, 2))).transpose(1, 2)
            return self.head(self.norm(self.layers(x)).mean(1)).squeeze(-1)

    return Network()


def gpu_calls(what, args):
    """As [`calls`], of PyTorch on a GPU."""
    import torch
    from torch.nn import functional

    bf16 = args.precision == "bf16"
    torch.set_float32_matmul_precision("highest" if args.precision == "f32" else "high")
    torch.set_default_device(args.device)
    arithmetic = lambda: torch.autocast("cuda", torch.bfloat16, enabled=bf16)
    if what == "train":
        for model, config in CONFIGS.items():
            for batch in GPU_BATCHES[1:]:
                for how in ["PyTorch"] + ["torch.compile"] * args.compile:
                    net = network(**config)
                    run = torch.compile(net, mode="reduce-overhead") if how == "torch.compile" else net
                    adamw = torch.optim.AdamW(net.parameters(), lr=1e-3, fused=True)
                    x, y = torch.randint(0, 5, (batch, TOKENS)), torch.rand(batch).round()

                    def step(run=run, adamw=adamw, x=x, y=y):
                        adamw.zero_grad(set_to_none=True)
                        with arithmetic():
                            loss = functional.binary_cross_entropy_with_logits(run(x).float(), y)
                        loss.backward()
                        adamw.step()

                    yield f"train {model} {batch}", how, network_work(3, batch, config), step
    if what == "infer":
        for model, config in CONFIGS.items():
            net = network(**config).eval()
            for batch in GPU_BATCHES:
                x = torch.randint(0, 5, (batch, TOKENS))

                def forward(net=net, x=x):
                    with torch.inference_mode(), arithmetic():
                        net(x)

                yield f"infer {model} {batch}", "PyTorch", network_work(1, batch, config), forward
    if what == "attention":
        from torch.nn.attention import SDPBackend, sdpa_kernel

        backends = [SDPBackend.FLASH_ATTENTION, SDPBackend.CUDNN_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]
        kind = torch.bfloat16 if bf16 else torch.float32
        for (b, h, l, d), backend in itertools.product(GPU_ATTENTION, backends):
            q, k, v = (torch.randn(b, h, l, d, dtype=kind, requires_grad=True) for _ in range(3))
            dout = torch.randn(b, h, l, d, dtype=kind)

            def forward(q=q, k=k, v=v, backend=backend):
                with torch.no_grad(), sdpa_kernel(backend):
                    functional.scaled_dot_product_attention(q, k, v)

            def both(q=q, k=k, v=v, dout=dout, backend=backend):
                with sdpa_kernel(backend):
                    functional.scaled_dot_product_attention(q, k, v).backward(dout)

            how = f"SDPA, {backend.name.removesuffix('_ATTENTION').lower()}"
            for name, work, call in zip(["forward", "forward+backward"], attention_works(b, h, l, d), [forward, both]):
                try:
                    call()
                except RuntimeError as refused:
                    print(f"{how} does not do attention {name} {[b, h, l, d]}: {str(refused).splitlines()[0]}", file=sys.stderr)
                    continue
                yield f"attention {name} {[b, h, l, d]}", how, work, call


def gpu_limits(precision):
    """Operations and bytes a second: of a product of 8,192 cubed, of a copy."""
    import torch

    side, one = 8192, torch.empty(1 << 28)
    x = torch.randn(side, side, dtype=torch.bfloat16 if precision == "bf16" else torch.float32)
    product, times = waited_for(lambda: x @ x)
    copy, _ = waited_for(one.clone)
    return 2 * side**3 * times / median_seconds(product, 0.5), 2 * one.nbytes * times / median_seconds(copy, 0.5)


def waited_for(call, times=20):
    """As many calls, and a wait for the GPU: one takes less time than the waiting."""
    import torch

    def several():
        for _ in range(times):
            call()
        torch.cuda.synchronize()

    return several, times


def calls(what, compiled):
    """Names, work and functions to time, of PyTorch and ONNX Runtime; the names are those of [`ours`]."""
    import torch
    from torch.nn import functional

    if what == "train":
        for model, config in CONFIGS.items():
            for how in ["PyTorch"] + ["torch.compile"] * compiled:
                net = network(**config)
                run = torch.compile(net) if how == "torch.compile" else net
                adamw = torch.optim.AdamW(net.parameters(), lr=1e-3, fused=True)
                x, y = torch.randint(0, 5, (256, TOKENS)), torch.rand(256).round()

                def step(run=run, adamw=adamw, x=x, y=y):
                    adamw.zero_grad(set_to_none=True)
                    functional.binary_cross_entropy_with_logits(run(x), y).backward()
                    adamw.step()

                yield f"train {model} 256", how, network_work(3, 256, config), step
    if what == "infer":
        import onnxruntime

        for model, config in CONFIGS.items():
            net = network(**config).eval()
            for batch in BATCHES:
                x = torch.randint(0, 5, (batch, TOKENS))

                def forward(net=net, x=x):
                    with torch.inference_mode():
                        net(x)

                name, work = f"infer {model} {batch}", network_work(1, batch, config)
                yield name, "PyTorch", work, forward
                path = f"{tempfile.gettempdir()}/peer_{model}_{batch}.onnx"
                torch.onnx.export(net, (x,), path, input_names=["x"], dynamo=False, opset_version=17)
                options = onnxruntime.SessionOptions()
                options.intra_op_num_threads = torch.get_num_threads()
                session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
                yield name, "ONNX Runtime", work, lambda s=session, x=x.numpy(): s.run(None, {"x": x})
    if what == "attention":
        for b, h, l, d in ATTENTION:
            q, k, v = (torch.randn(b, h, l, d, requires_grad=True) for _ in range(3))
            dout, (once, twice) = torch.randn(b, h, l, d), attention_works(b, h, l, d)

            def forward(q=q, k=k, v=v):
                with torch.no_grad():
                    functional.scaled_dot_product_attention(q, k, v)

            def both(q=q, k=k, v=v, dout=dout):
                functional.scaled_dot_product_attention(q, k, v).backward(dout)

            yield f"attention forward {[b, h, l, d]}", "PyTorch", once, forward
            yield f"attention forward+backward {[b, h, l, d]}", "PyTorch", twice, both
    if what == "conv1d":
        torch.set_num_threads(1)
        for c in [64, 128]:
            x = torch.randn(8, c, TOKENS, requires_grad=True)
            conv, dout = torch.nn.Conv1d(c, c, TAPS, padding=TAPS // 2), torch.randn(8, c, TOKENS)

            def forward(conv=conv, x=x):
                with torch.no_grad():
                    conv(x)

            flops, shape = 2 * 8 * TOKENS * TAPS * c * c, [8, TOKENS, c]
            yield f"conv1d forward {shape}", "PyTorch", Work(flops), forward
            both = lambda conv=conv, x=x, dout=dout: conv(x).backward(dout)
            yield f"conv1d forward+backward {shape}", "PyTorch", Work(3 * flops), both


def serve(pipe, what, args):
    """A process of their own, so that their threads sleep while ours run."""
    import torch

    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    on_gpu = args.device != "cpu"
    made = list(gpu_calls(what, args) if on_gpu else calls(what, args.compile))

    def seconds(call):
        several, times = waited_for(call) if on_gpu else (call, 1)
        return median_seconds(several, args.seconds) / times

    pipe.send(gpu_limits(args.precision) if on_gpu else None)
    while pipe.recv():
        pipe.send([(name, how, work, seconds(call)) for name, how, work, call in made])


def speed(what, args, threads, *more):
    command = [OURS, what, "--threads", threads, "--seconds", args.seconds, *more]
    if args.device != "cpu" and what != "peak":
        command += ["--device", args.device, "--precision", args.precision]
    lines = subprocess.run([str(c) for c in command], check=True, capture_output=True, text=True).stdout.splitlines()
    return [json.loads(line) for line in lines]


def ours(what, args):
    """Seconds a call, by name."""
    if what in ("train", "infer"):
        batches = GPU_BATCHES[1:] if what == "train" and args.device != "cpu" else [256]
        return {
            f"{what} {model} {line['batch']}": line["batch"] / line["samples_per_s"]
            for model in CONFIGS
            for batch in batches
            for line in speed(what, args, args.threads, "--model", model, "--batch", batch)
        }
    threads = 1 if what == "conv1d" else args.threads
    return {f"{line['what'].removeprefix('mirscope ')} {line['shape']}": line["ms"] / 1e3 for line in speed(what, args, threads)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", default=["train", "infer", "attention", "conv1d"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--compile", action="store_true", help="torch.compile too, in training")
    parser.add_argument("--device", default="cpu", help="cpu or cuda:N")
    parser.add_argument("--precision", default="f32", help="f32, tf32 or bf16, of a GPU's products")
    args = parser.parse_args()
    whole = "of peak" if args.device == "cpu" else "of floor"
    print(f"| what | GFLOP/s | {whole} | beside | GFLOP/s | times as fast (least to greatest) |\n|---|---|---|---|---|---|")
    for what in args.what:
        here, there = multiprocessing.Pipe()
        peer = multiprocessing.Process(target=serve, args=(there, what, args), daemon=True)
        peer.start()
        limits = here.recv()
        if limits:
            print(f"{what}: floors of {limits[0] / 1e12:.0f} TFLOP/s and {limits[1] / 1e12:.2f} TB/s", file=sys.stderr)
        rounds = {}
        for _ in range(args.rounds):
            threads = 1 if what == "conv1d" else args.threads
            cpu = argparse.Namespace(seconds=0.3, device="cpu")
            peak, bandwidth = limits or (1e9 * speed("peak", cpu, threads)[0]["gflops"], math.inf)
            mine = ours(what, args)
            time.sleep(0.5)
            here.send(True)
            for name, how, work, seconds in here.recv():
                rounds.setdefault((name, how), []).append((work.flops, work.floor(peak, bandwidth), mine[name], seconds))
        here.send(False)
        peer.join()
        for (name, how), rows in rounds.items():
            rate = lambda i: statistics.median(row[0] / row[i] / 1e9 for row in rows)
            share = statistics.median(row[1] / row[2] for row in rows)
            ratios = sorted(row[3] / row[2] for row in rows)
            spread = f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
            print(f"| {name} | {rate(2):.0f} | {100 * share:.0f}% | {how} | {rate(3):.0f} | {spread} |", flush=True)


if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    main()
