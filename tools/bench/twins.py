"""The same networks in PyTorch, layer after layer, written as a user of PyTorch would.

Where the two differ in their defaults, Caffe's hold: pooled sizes are rounded up, and LRN divides alpha by its size in
both. The weights come from Caffe (`load_weights`), so that the outputs can be compared. Clips come shifted and scaled.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn import functional

LABELS = 10


def pool(size: int, stride: int) -> nn.Module:
    return nn.MaxPool2d(size, stride, ceil_mode=True)


class Recurrent(nn.Module):
    """A recurrent convolution layer (Liang and Hu 2015), T = 3: relu and LRN of feed-forward plus recurrent input."""

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__()
        self.feedforward = nn.Conv2d(channels_in, channels, 3, padding=1)
        self.recurrent = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm = nn.LocalResponseNorm(channels // 8 + 1, alpha=1e-4, beta=0.75, k=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        fed = self.feedforward(x)
        x = self.norm(functional.relu(fed))
        for _ in range(3):
            x = self.norm(functional.relu(fed + self.recurrent(x)))
        return x


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


def rcnn() -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(1, 32, 5, padding=2), nn.ReLU(), pool(4, 3)),
        *(Recurrent(32, 32), Recurrent(32, 32), pool(3, 2), Recurrent(32, 64)),
        *(nn.Conv2d(64, 64, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1)),
        *(nn.Flatten(), nn.Dropout(0.5), nn.Linear(64, LABELS)),
    )


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


TWINS = {"simple_cnn": simple_cnn, "complex_cnn": complex_cnn, "rcnn": rcnn, "song_cnn": song_cnn, "lstm": lstm}


def load_weights(twin: nn.Module, blobs: list[np.ndarray]) -> None:
    """Put Caffe's blobs, layer after layer, into the parameters of the twin, which has them in the same order.

    ValueError where they are not of the same number and shapes.
    """
    queue = [torch.from_numpy(blob) for blob in blobs]
    with torch.no_grad():
        for module in twin.modules():
            own = list(module.parameters(recurse=False))
            blobs_of_layer, queue = queue[: len(own)], queue[len(own) :]
            if isinstance(module, nn.LSTM):
                queue[:0] = blobs_of_layer[3:]  # one bias in Caffe, two in PyTorch
                blobs_of_layer = lstm_blobs(*blobs_of_layer[:3])
            for parameter, blob in zip(own, blobs_of_layer):
                if parameter.shape != blob.shape:
                    raise ValueError(f"{tuple(blob.shape)} in Caffe, {tuple(parameter.shape)} in PyTorch")
                parameter.copy_(blob)
    if queue:
        raise ValueError(f"{len(queue)} blobs of Caffe are left")


def lstm_blobs(from_below: torch.Tensor, bias: torch.Tensor, from_before: torch.Tensor) -> list[torch.Tensor]:
    """Caffe's gates stand in the order input, forget, output, new; PyTorch's input, forget, new, output."""
    from_below, from_before, bias = (blob[lstm_order(len(blob))] for blob in (from_below, from_before, bias))
    return [from_below, from_before, bias, torch.zeros_like(bias)]


def lstm_order(rows: int) -> torch.Tensor:
    i, f, o, g = torch.arange(rows).chunk(4)
    return torch.cat([i, f, g, o])


def probabilities(score: torch.Tensor) -> torch.Tensor:
    """(batch, labels), of scores with or without steps."""
    softmax = functional.softmax(score, dim=-1)
    return softmax.mean(dim=1) if softmax.ndim == 3 else softmax


def loss_of(score: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    if score.ndim == 3:
        labels = labels.repeat_interleave(score.shape[1])
        score = score.flatten(0, 1)
    return functional.cross_entropy(score, labels)
