"""The same networks in PyTorch: layer for layer, under Caffe's names, written as a user of PyTorch would.

Where the two differ in their defaults, Caffe's hold: pooled sizes are rounded up, and LRN divides alpha by its size in
both. The weights come from Caffe (`load`), so that the outputs can be compared.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn import functional

LABELS = 10


def pool(x: torch.Tensor, size: int, stride: int) -> torch.Tensor:
    return functional.max_pool2d(x, size, stride, ceil_mode=True)


class SimpleCNN(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 20, 5)
        self.conv2 = nn.Conv2d(20, 50, 5)
        self.fc3 = nn.Linear(50 * 6 * 39, 500)
        self.score = nn.Linear(500, LABELS)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = pool(functional.relu(self.conv1(x)), 2, 2)
        x = pool(functional.relu(self.conv2(x)), 2, 2)
        x = functional.relu(self.fc3(x.flatten(1)))
        return self.score(functional.dropout(x, 0.5, self.training))


class ComplexCNN(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 5, padding=2)
        self.conv2 = nn.Conv2d(32, 32, 5, padding=2)
        self.conv3 = nn.Conv2d(32, 64, 5, padding=2)
        self.conv4 = nn.Conv2d(64, 64, 5, padding=2)
        self.fc5 = nn.Linear(64 * 2 * 10, 128)
        self.score = nn.Linear(128, LABELS)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for convolution in (self.conv1, self.conv2, self.conv3, self.conv4):
            x = pool(functional.relu(convolution(x)), 3, 2)
        x = functional.relu(self.fc5(x.flatten(1)))
        return self.score(functional.dropout(x, 0.4, self.training))


class RecurrentConvolution(nn.Module):
    """A recurrent convolution layer (Liang and Hu 2015), T = 3: relu and LRN of feed-forward plus recurrent input."""

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__()
        self.feedforward = nn.Conv2d(channels_in, channels, 3, padding=1)
        self.recurrent1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm = nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        fed = self.feedforward(x)
        x = self.norm(functional.relu(fed))
        for _ in range(3):
            x = self.norm(functional.relu(fed + self.recurrent1(x)))
        return x


class RCNN(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 5, padding=2)
        self.rcl1 = RecurrentConvolution(32, 32)
        self.rcl2 = RecurrentConvolution(32, 64)
        self.rcl3 = RecurrentConvolution(64, 64)
        self.conv2 = nn.Conv2d(64, 64, 3, padding=1)
        self.score = nn.Linear(64, LABELS)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.rcl1(pool(functional.relu(self.conv1(x)), 4, 3))
        x = self.rcl3(pool(self.rcl2(pool(x, 3, 2)), 3, 2))
        x = functional.relu(self.conv2(x)).mean(dim=(2, 3))
        return self.score(functional.dropout(x, 0.5, self.training))


class SongCNN(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, (5, 16), stride=(2, 8), padding=(2, 8))
        self.conv2 = nn.Conv2d(32, 32, 5, padding=2)
        self.conv3 = nn.Conv2d(32, 64, 5, padding=2)
        self.score = nn.Linear(64, LABELS)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = pool(functional.relu(self.conv1(x)), 3, 2)
        x = pool(functional.relu(self.conv2(x)), 3, 2)
        x = functional.relu(self.conv3(x)).mean(dim=(2, 3))
        return self.score(functional.dropout(x, 0.5, self.training))


class LSTM(nn.Module):
    """Scores of every step, (batch, steps, labels): the loss is their mean, the answer the mean of their softmax."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm1 = nn.LSTM(72, 80, batch_first=True)
        self.lstm2 = nn.LSTM(80, 80, batch_first=True)
        self.fc3 = nn.Linear(80, 40)
        self.score = nn.Linear(40, LABELS)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x, _ = self.lstm1(x.squeeze(1))
        x, _ = self.lstm2(x)
        x = functional.relu(self.fc3(functional.dropout(x, 0.5, self.training)))
        return self.score(x)


TWINS = {"simple_cnn": SimpleCNN, "complex_cnn": ComplexCNN, "rcnn": RCNN, "song_cnn": SongCNN, "lstm": LSTM}


def load(twin: nn.Module, weights: dict[str, np.ndarray]) -> None:
    """Put Caffe's weights, ``layer/number``, into the module of the same name (rcl1_feedforward: rcl1.feedforward).

    Raises KeyError for a module that has no weights among them.
    """
    for name, module in twin.named_modules():
        if not list(module.parameters(recurse=False)):
            continue
        blobs = [
            weights[f"{name.replace('.', '_')}/{i}"] for i in range(3) if f"{name.replace('.', '_')}/{i}" in weights
        ]
        if not blobs:
            raise KeyError(name)
        with torch.no_grad():
            if isinstance(module, nn.LSTM):
                load_lstm(module, *blobs)
                continue
            module.weight.copy_(torch.from_numpy(blobs[0]))
            if module.bias is not None:
                module.bias.copy_(torch.from_numpy(blobs[1]))


def load_lstm(module: nn.LSTM, from_below: np.ndarray, bias: np.ndarray, from_before: np.ndarray) -> None:
    """Caffe's gates stand in the order input, forget, output, new; PyTorch's input, forget, new, output."""

    def reordered(blob: np.ndarray) -> torch.Tensor:
        i, f, o, g = np.split(blob, 4)
        return torch.from_numpy(np.concatenate([i, f, g, o]))

    module.weight_ih_l0.copy_(reordered(from_below))
    module.weight_hh_l0.copy_(reordered(from_before))
    module.bias_ih_l0.copy_(reordered(bias))
    module.bias_hh_l0.zero_()


def probabilities(score: torch.Tensor) -> torch.Tensor:
    """(batch, labels), of scores with or without steps."""
    softmax = functional.softmax(score, dim=-1)
    return softmax.mean(dim=1) if softmax.ndim == 3 else softmax


def loss_of(score: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    if score.ndim == 3:
        labels = labels.repeat_interleave(score.shape[1])
        score = score.flatten(0, 1)
    return functional.cross_entropy(score, labels)
