"""The same networks in PyTorch, layer after layer, written as a user of PyTorch would.

Where the two differ in their defaults, Caffe's hold: pooled sizes are rounded up, and LRN divides alpha by its size in
both. The weights come from Caffe (`load_weights`), so that the outputs can be compared. Clips come shifted and scaled.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import nn
from torch.nn import functional

LABELS = 10


def pool(size: int, stride: int) -> nn.Module:
    return nn.MaxPool2d(size, stride, ceil_mode=True)


class Recurrent(nn.Module):
    """A recurrent convolution layer (Liang and Hu 2015), T = 3: relu and norm of feed-forward plus recurrent input.

    ``norm`` makes the normalisation of so many channels, one for each step.
    """

    def __init__(self, channels_in: int, channels: int, norm: Callable[[int], nn.Module]) -> None:
        super().__init__()
        self.feedforward = nn.Conv2d(channels_in, channels, 3, padding=1)
        self.first_norm = norm(channels)
        self.recurrent = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norms = nn.ModuleList(norm(channels) for _ in range(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        fed = self.feedforward(x)
        x = self.first_norm(functional.relu(fed))
        for norm in self.norms:
            x = norm(functional.relu(fed + self.recurrent(x)))
        return x


def response_norm(channels: int) -> nn.Module:
    return nn.LocalResponseNorm(channels // 8 + 1, alpha=1e-4, beta=0.75, k=1)


def batch_norm(channels: int) -> nn.Module:
    return nn.BatchNorm2d(channels, momentum=0.05)


class Outputs(nn.LSTM):
    """An LSTM layer (batch, steps, inputs) of which only the outputs go on."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x)[0]


def simple_cnn() -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(1, 16, 5), nn.ReLU(), pool(3, 3)),
        *(nn.Conv2d(16, 32, 5), nn.ReLU(), pool(3, 3)),
        *(nn.Flatten(), nn.Linear(32 * 2 * 17, 64), nn.ReLU(), nn.Linear(64, LABELS)),
    )


def complex_cnn() -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(1, 32, 5, padding=2), nn.ReLU(), pool(3, 2)),
        *(nn.Conv2d(32, 32, 5, padding=2), nn.ReLU(), pool(3, 2)),
        *(nn.Conv2d(32, 64, 5, padding=2), nn.ReLU(), pool(3, 2)),
        *(nn.Conv2d(64, 64, 5, padding=2), nn.ReLU(), pool(3, 2)),
        *(nn.Flatten(), nn.Linear(64 * 2 * 10, 128), nn.ReLU(), nn.Dropout(0.4), nn.Linear(128, LABELS)),
    )


def rcnn(norm: Callable[[int], nn.Module] = response_norm, dropout: float = 0.5) -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(1, 32, 5, padding=2), nn.ReLU(), pool(4, 3)),
        *(Recurrent(32, 32, norm), Recurrent(32, 32, norm), pool(3, 2), Recurrent(32, 64, norm)),
        *(nn.Conv2d(64, 64, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1)),
        *(nn.Flatten(), nn.Dropout(dropout), nn.Linear(64, LABELS)),
    )


def rcnn_plus() -> nn.Module:
    return rcnn(batch_norm, 0.25)


def song_cnn() -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(1, 32, (5, 16), stride=(2, 8), padding=(2, 8)), nn.ReLU(), pool(3, 2)),
        *(nn.Conv2d(32, 32, 5, padding=2), nn.ReLU(), pool(3, 2)),
        *(nn.Conv2d(32, 64, 5, padding=2), nn.ReLU(), nn.AdaptiveAvgPool2d(1)),
        *(nn.Flatten(), nn.Dropout(0.5), nn.Linear(64, LABELS)),
    )


def lstm() -> nn.Module:
    """Scores of every step, (batch, steps, labels): the loss is their mean, the answer the mean of their softmax."""
    return nn.Sequential(
        *(nn.Flatten(1, 2), Outputs(72, 80, batch_first=True), Outputs(80, 80, batch_first=True)),
        *(nn.Linear(80, 40), nn.ReLU(), nn.Linear(40, LABELS)),
    )


TWINS = {twin.__name__: twin for twin in (simple_cnn, complex_cnn, rcnn, rcnn_plus, song_cnn, lstm)}


def load_weights(twin: nn.Module, blobs: list[np.ndarray]) -> None:
    """Put Caffe's blobs, layer after layer, into the parameters of the twin, which has them in the same order."""
    queue = iter(map(torch.from_numpy, blobs))
    for module in twin.modules():
        parameters = list(module.parameters(recurse=False))
        if isinstance(module, nn.LSTM):  # one bias in Caffe, two in PyTorch
            from_below, bias, from_before = (in_order(next(queue)) for _ in range(3))
            own = [from_below, from_before, bias, torch.zeros_like(bias)]
        elif isinstance(module, nn.BatchNorm2d):  # two layers in Caffe, whose sums are divided by its third blob
            mean, variance, divisor = (next(queue) for _ in range(3))
            module.running_mean, module.running_var = mean / divisor, variance / divisor
            own = [next(queue), next(queue)]
        else:
            own = [next(queue) for _ in parameters]
        for parameter, blob in zip(parameters, own):
            parameter.data = blob.reshape(parameter.shape)


def in_order(gates: torch.Tensor) -> torch.Tensor:
    """Caffe's gates stand in the order input, forget, output, new; PyTorch's input, forget, new, output."""
    i, f, o, g = gates.chunk(4)
    return torch.cat([i, f, g, o])


def probabilities(score: torch.Tensor) -> torch.Tensor:
    """(batch, labels), of scores with or without steps."""
    softmax = functional.softmax(score, dim=-1)
    return softmax.mean(dim=1) if softmax.ndim == 3 else softmax


def loss_of(score: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The mean over clips, and over steps where there are any."""
    steps = score.shape[1] if score.ndim == 3 else 1
    return functional.cross_entropy(score.flatten(0, -2), labels.repeat_interleave(steps))
