#!/usr/bin/env python3
"""The CNNs of the zoo beside PyTorch: speed in turns, and the accuracy both reach.

  cnn.py speed MODEL ENGINE_TRAIN DATA [--rounds N --steps N --batch N --precision bf16]
  cnn.py accuracy MODEL ENGINE_TRAIN DATA [--seeds N ... --epochs N --batch N --frameworks ...]

MODEL is cifar10-vgg, cifar10-cnn, mnist-cnn, or resnet18 and resnet50, which take CIFAR-10's images
as they are; resnet18-224 and resnet50-224 are the same nets at the size they are published for, whose
speed can be told with DATA "synthetic:N". Wants torch (from pip). How it measures is described in
torch_beside.py.
"""
import torch
import torch_beside as beside
from resnet import initialize, resnet
from torch import nn, optim


def convolution(inputs, outputs, padding):
    return nn.Conv2d(inputs, outputs, 3, padding=padding)


def cifar10_vgg():
    return nn.Sequential(
        convolution(3, 50, 1), nn.ReLU(), convolution(50, 50, 1), nn.MaxPool2d(2), nn.ReLU(),
        nn.Dropout(0.25),
        convolution(50, 100, 1), nn.ReLU(), convolution(100, 100, 1), nn.MaxPool2d(2), nn.ReLU(),
        nn.Dropout(0.25),
        nn.Flatten(), nn.Linear(100 * 8 * 8, 512), nn.ReLU(), nn.Dropout(0.5), nn.Linear(512, 10))


def cifar10_cnn():
    return nn.Sequential(
        convolution(3, 32, 1), nn.ReLU(), convolution(32, 32, 0), nn.ReLU(), nn.MaxPool2d(2),
        nn.Dropout(0.25),
        convolution(32, 64, 1), nn.ReLU(), convolution(64, 64, 0), nn.ReLU(), nn.MaxPool2d(2),
        nn.Dropout(0.25),
        nn.Flatten(), nn.Linear(64 * 6 * 6, 512), nn.ReLU(), nn.Dropout(0.5), nn.Linear(512, 10))


def mnist_cnn():
    return nn.Sequential(
        convolution(1, 32, 0), nn.ReLU(), convolution(32, 64, 0), nn.ReLU(), nn.MaxPool2d(2),
        nn.Dropout(0.25),
        nn.Flatten(), nn.Linear(64 * 12 * 12, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10))


def shift_and_mirror(images):
    """Moves images by up to 10% each way, repeating the edge, and mirrors half of them, as
    kernels/augment.h says."""
    batch, channels, height, width = images.shape
    down = torch.randint(-(height // 10), height // 10 + 1, (batch, 1))
    right = torch.randint(-(width // 10), width // 10 + 1, (batch, 1))
    columns = torch.arange(width).expand(batch, width)
    columns = torch.where(torch.rand(batch, 1) < 0.5, width - 1 - columns, columns)
    columns = (columns + right).clamp(0, width - 1)
    rows = (torch.arange(height) + down).clamp(0, height - 1)
    places = (rows[:, :, None] * width + columns[:, None, :]).reshape(batch, 1, -1)
    moved = images.reshape(batch, channels, -1).gather(2, places.expand(-1, channels, -1))
    return moved.reshape(images.shape)


def load_synthetic(source):
    """As many images and labels as "synthetic:N" says, both at random."""
    def part(count):
        return torch.rand(count, 3, 224, 224), torch.randint(0, 256, (count,))
    count = int(source.removeprefix("synthetic:"))
    return [part(count), part(count // 6)]


def residual(blocks, bottleneck, load=beside.load_cifar10, classes=10, zoo_name=None):
    return beside.Model(
        load, lambda: resnet(blocks, bottleneck, classes),
        lambda parameters: optim.SGD(parameters, lr=0.1, momentum=0.9, weight_decay=1e-4,
                                     foreach=True),
        batch=256, epochs=90, initialize=initialize,
        schedule=lambda step, epoch: 0.1 ** (epoch // 30), zoo_name=zoo_name)


MODELS = {
    "cifar10-vgg": beside.Model(
        beside.load_cifar10, cifar10_vgg,
        lambda parameters: optim.SGD(parameters, lr=0.01, momentum=0.9, foreach=True),
        batch=64, epochs=10, partial_batches=False),
    "cifar10-cnn": beside.Model(
        beside.load_cifar10, cifar10_cnn,
        lambda parameters: optim.RMSprop(parameters, lr=1e-4, alpha=0.9, eps=1e-7, foreach=True),
        batch=32, epochs=50, augment=shift_and_mirror,
        schedule=lambda step, epoch: 1 / (1 + 1e-6 * step)),
    "mnist-cnn": beside.Model(
        beside.load_mnist, mnist_cnn,
        lambda parameters: optim.Adadelta(parameters, lr=1.0, rho=0.95, eps=1e-7, foreach=True),
        batch=128, epochs=12),
    "resnet18": residual((2, 2, 2, 2), bottleneck=False),
    "resnet50": residual((3, 4, 6, 3), bottleneck=True),
    "resnet18-224": residual((2, 2, 2, 2), False, load_synthetic, 1000, "resnet18"),
    "resnet50-224": residual((3, 4, 6, 3), True, load_synthetic, 1000, "resnet50"),
}

if __name__ == "__main__":
    beside.main(MODELS, __doc__.splitlines()[0])
