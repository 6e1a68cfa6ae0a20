#!/usr/bin/env python3
"""Compares the trajectories of our optimizers with PyTorch's on a small fixed problem.

  optimizers.py engine-optimizer-trajectories [DEVICE]      prints a table; status 1 beyond 1e-4
  optimizers.py --write tests/models/data/trajectories.csv  writes PyTorch's side for the tests

Wants torch (from pip). The problem is described in tests/models/trajectory.h. Both sides compute in
f32 on the same numbers; the difference of a step is the largest, over the four parameter tensors, of
max|ours - theirs| / max|theirs|.
"""
import json
import math
import subprocess
import sys

import torch

STEPS = 50
BOUND = 1e-4
STEPS_PER_EPOCH, EPOCHS = 10, 5
RECORDED = (1, 2, 5, 10, 20, 30, 40, 50)


def mix(stream, i):
    """The hash of tests/models/trajectory.cpp."""
    mask = 0xFFFFFFFF
    x = ((stream * 4096 + i + 1) * 2654435761) & mask
    x ^= x >> 16
    x = (x * 2246822519) & mask
    x ^= x >> 13
    x = (x * 3266489917) & mask
    return x ^ (x >> 16)


def draw(stream, scale, *shape):
    values = [scale * (mix(stream, i) / 2147483648.0 - 1) for i in range(math.prod(shape))]
    return torch.tensor(values, dtype=torch.float64).to(torch.float32).reshape(shape)


def plain(optimizer, **constants):
    return {"optimizer": optimizer, "constants": constants}


O = torch.optim
# The same names as trajectory_optimizers(). "rate" gives the learning rate's factor at an update.
CASES = {
    "sgd": plain(O.SGD, lr=0.1),
    "sgd_momentum": plain(O.SGD, lr=0.05, momentum=0.9),
    "sgd_nesterov": plain(O.SGD, lr=0.05, momentum=0.9, nesterov=True),
    "sgd_weight_decay": plain(O.SGD, lr=0.05, momentum=0.9, weight_decay=0.01),
    "rmsprop": plain(O.RMSprop, lr=0.01, alpha=0.9, eps=1e-7),
    "rmsprop_weight_decay": plain(O.RMSprop, lr=0.01, alpha=0.9, eps=1e-7, weight_decay=0.01),
    "adam": plain(O.Adam, lr=0.01),
    "adam_weight_decay": plain(O.Adam, lr=0.01, weight_decay=0.01),
    "adamw": plain(O.AdamW, lr=0.01, weight_decay=0.1),
    "adadelta": plain(O.Adadelta, lr=1.0),
    "adagrad": plain(O.Adagrad, lr=0.05),
    "clip_norm": plain(O.SGD, lr=0.1, momentum=0.9) | {"clip_norm": 0.5},
    "clip_value": plain(O.SGD, lr=0.1, momentum=0.9) | {"clip_value": 0.02},
    "accumulate": plain(O.Adam, lr=0.01) | {"every": 4, "clip_norm": 0.3},
    "step": plain(O.SGD, lr=0.2) | {"rate": lambda t: 0.5 ** (t // (2 * STEPS_PER_EPOCH))},
    "exponential": plain(O.SGD, lr=0.2) | {"rate": lambda t: 0.7 ** (t // STEPS_PER_EPOCH)},
    "cosine_warmup": plain(O.AdamW, lr=0.02) | {
        "rate": lambda t: (0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * t / (EPOCHS * STEPS_PER_EPOCH))))
        * min(1, (t + 1) / 10)},
    "keras_decay": plain(O.RMSprop, lr=0.01, alpha=0.9, eps=1e-7) | {
        "rate": lambda t: 1 / (1 + 0.05 * t)},
}


def trajectory(case):
    """Losses, and the parameters after every step."""
    parameters = [draw(0, 0.4, 20, 16), draw(1, 0.1, 16), draw(2, 0.5, 16, 5), draw(3, 0.1, 5)]
    for parameter in parameters:
        parameter.requires_grad_()
    optimizer = case["optimizer"](parameters, **case["constants"])
    schedule = O.lr_scheduler.LambdaLR(optimizer, case.get("rate", lambda t: 1.0))
    every = case.get("every", 1)
    points = []
    for step in range(STEPS):
        labels = torch.tensor([mix(1000 + step, i) % 5 for i in range(8)])
        hidden = torch.relu(draw(100 + step, 1.0, 8, 20) @ parameters[0] + parameters[1])
        loss = torch.nn.functional.cross_entropy(hidden @ parameters[2] + parameters[3], labels)
        (loss / every).backward()
        if step % every == every - 1:
            if "clip_norm" in case:
                torch.nn.utils.clip_grad_norm_(parameters, case["clip_norm"])
            if "clip_value" in case:
                torch.nn.utils.clip_grad_value_(parameters, case["clip_value"])
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
        points.append((loss.item(), [p.detach().flatten().tolist() for p in parameters]))
    return points


def difference(ours, theirs):
    return max(max(abs(a - b) for a, b in zip(x, y)) / max(abs(b) for b in y)
               for x, y in zip(ours, theirs))


def compare(command):
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    ours = {}
    for line in lines:
        point = json.loads(line)
        ours.setdefault(point["optimizer"], []).append(point)
    worst_of_all = 0
    print(f"{'optimizer':24}{'last loss':>12}{'PyTorch':>12}{'worst relative difference':>28}")
    for name, case in CASES.items():
        theirs = trajectory(case)
        assert len(ours[name]) == len(theirs) == STEPS
        worst = max(difference(a["parameters"], b[1]) for a, b in zip(ours[name], theirs))
        worst_of_all = max(worst, worst_of_all)
        print(f"{name:24}{ours[name][-1]['loss']:12.6f}{theirs[-1][0]:12.6f}{worst:28.2e}")
    return worst_of_all <= BOUND


def write(path):
    """Rows: optimizer, step, loss, and four elements of each tensor, spread evenly."""
    with open(path, "w", newline="\n") as file:
        print("optimizer,step,loss,elements", file=file)
        for name, case in CASES.items():
            points = trajectory(case)
            for step in RECORDED:
                loss, tensors = points[step - 1]
                probes = [t[k * (len(t) - 1) // 3] for t in tensors for k in range(4)]
                print(",".join([name, str(step)] + [f"{v:.9g}" for v in [loss] + probes]), file=file)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    torch.set_num_threads(1)
    if sys.argv[1] == "--write":
        write(sys.argv[2])
    else:
        sys.exit(0 if compare(sys.argv[1:]) else 1)
