#!/usr/bin/env python3
"""mnist-mlp beside PyTorch: speed in turns, and the accuracy both reach.

  mnist_mlp.py speed mnist-mlp ENGINE_TRAIN DATA [--rounds N --steps N --batch N --precision bf16]
  mnist_mlp.py accuracy mnist-mlp ENGINE_TRAIN DATA [--seeds N ... --epochs N --batch N ...]

Wants torch (from pip). How it measures is described in torch_beside.py.
"""
import torch_beside as beside
from torch import nn, optim


def mlp():
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 512), nn.ReLU(), nn.Dropout(0.2),
                         nn.Linear(512, 512), nn.ReLU(), nn.Dropout(0.2), nn.Linear(512, 10))


MODELS = {
    "mnist-mlp": beside.Model(
        beside.load_mnist, mlp,
        lambda parameters: optim.RMSprop(parameters, lr=1e-3, alpha=0.9, eps=1e-7, foreach=True),
        batch=128, epochs=20),
}

if __name__ == "__main__":
    beside.main(MODELS, __doc__.splitlines()[0])
