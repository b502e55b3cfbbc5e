"""The numbers in tests/optim.rs, from PyTorch in double precision: python torch_optim.py (needs torch)."""
import torch

torch.set_default_dtype(torch.float64)
N, STEPS, RATE = 19, 3, 0.1
START = [((7 * i) % 11 - 5) / 4 for i in range(N)]


def gradient(step):
    """The third element's gradient is always zero; the others change sign from step to step."""
    return torch.tensor([0.0 if i == 2 else ((5 * i + 3 * step) % 13 - 6) / 8 for i in range(N)])


def after(make):
    x = torch.nn.Parameter(torch.tensor(START))
    optimizer = make([x])
    for step in range(STEPS):
        x.grad = gradient(step)
        optimizer.step()
    return x.detach()


def show(name, values):
    print(f"const {name}: [f64; N] = [")
    for v in values.tolist():
        print(f"    {v:.15},")
    print("];")


show("ADAMW", after(lambda p: torch.optim.AdamW(p, lr=RATE, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.3)))
show("SGD", after(lambda p: torch.optim.SGD(p, lr=RATE, momentum=0.9, weight_decay=0.05)))
x = torch.nn.Parameter(torch.tensor(START))
x.grad = gradient(0)
print(f"const NORM: f64 = {torch.nn.utils.clip_grad_norm_([x], 0.75).item():.15};")
show("CLIPPED", x.grad)
