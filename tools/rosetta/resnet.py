"""The residual networks of models/zoo/resnet.cpp in PyTorch: a bottleneck strides in its 3 x 3."""
from torch import nn

EXPANSION = 4
WIDTH = 64  # channels of the first stage's blocks


def convolution(inputs, outputs, kernel, stride):
    """With its normalization, as layers of a Sequential."""
    return [nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False),
            nn.BatchNorm2d(outputs)]


class Block(nn.Module):
    def __init__(self, bottleneck, inputs, width, stride):
        super().__init__()
        self.outputs = width * EXPANSION if bottleneck else width
        if bottleneck:
            layers = [*convolution(inputs, width, 1, 1), nn.ReLU(),
                      *convolution(width, width, 3, stride), nn.ReLU(),
                      *convolution(width, self.outputs, 1, 1)]
        else:
            layers = [*convolution(inputs, width, 3, stride), nn.ReLU(),
                      *convolution(width, width, 3, 1)]
        self.branch = nn.Sequential(*layers)
        same = stride == 1 and inputs == self.outputs
        self.shortcut = nn.Sequential(
            *([] if same else convolution(inputs, self.outputs, 1, stride)))

    def forward(self, x):
        return (self.branch(x) + self.shortcut(x)).relu()


def resnet(blocks, bottleneck, classes):
    """`blocks`: how many each stage has."""
    layers = [*convolution(3, WIDTH, 7, 2), nn.ReLU(), nn.MaxPool2d(3, 2, padding=1)]
    channels = WIDTH
    for stage, count in enumerate(blocks):
        for block in range(count):
            stride = 2 if stage > 0 and block == 0 else 1
            layers.append(Block(bottleneck, channels, WIDTH << stage, stride))
            channels = layers[-1].outputs
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                         nn.Linear(channels, classes))


def initialize(network):
    """PyTorch's own way for all but the convolutions."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
