"""A network: the folder of prototxt/ that it is written in, and the values that it has where a setting is left out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import caffe
from caffe.proto import caffe_pb2

from tools import paths
from tools.cli import UserError
from tools.nets import prototxt
from tools.settings import NOTHING, RUN, Schedule, Settings, Value, text_of

# The paper's, the lightest first, and ours
NETS = ("simple_cnn", "complex_cnn", "rcnn", "lstm", "song_cnn", "rcnn_plus")


@dataclass(frozen=True)
class Network:
    """The three files of a network, as they are written by hand. UserError where one is missing or mistyped."""

    name: str

    @cached_property
    def train_val(self) -> caffe_pb2.NetParameter:
        return prototxt.read_net(paths.PROTOTXT / self.name / "train_val.prototxt")

    @cached_property
    def deploy(self) -> caffe_pb2.NetParameter:
        return prototxt.read_net(paths.PROTOTXT / self.name / "deploy.prototxt")

    @cached_property
    def solver(self) -> caffe_pb2.SolverParameter:
        return prototxt.read(paths.PROTOTXT / self.name / "solver.prototxt", caffe_pb2.SolverParameter())

    @cached_property
    def defaults(self) -> dict[str, Value]:
        """The value of every setting that this network has one of its own of."""
        data = prototxt.data_layer(self.train_val, caffe.TRAIN)
        dropouts, lstms, pools = (prototxt.layers_with(self.train_val, s) for s in ("dropout", "neurons", "pooling"))
        return {
            "seed": max(self.solver.random_seed, 0),
            "batch": data.data_param.batch_size,
            "base_lr": rounded(self.solver.base_lr),
            "lr_steps": learning_rates(self.solver),
            "dropout": ((0, rounded(dropouts[0].dropout_ratio)),) if dropouts else None,
            "input_scale": rounded(data.transform_param.scale),
            "pooling": pools[0].PoolMethod.Name(pools[0].pool).lower() if pools else None,
            "batch_norm": int(any(layer.type == "BatchNorm" for layer in self.train_val.layer)),
            "neurons": lstms[0].num_output if lstms else None,
            "iters": self.solver.max_iter,
        }

    def resolve(self, settings: Settings) -> Settings:
        """The settings with this network's own value for each that was left out.

        A base_lr alone scales the network's own schedule, a schedule alone begins with its own rate: UserError where
        both are given and differ.
        """
        given = {name: value for name, value in settings.items(RUN, NOTHING) if value is not None}
        if settings.lr_steps is None:
            given["lr_steps"] = self.scaled_rates(given.get("base_lr"))
        first = given["lr_steps"][0][1]
        if given.setdefault("base_lr", first) != first:
            raise UserError(f"BASE_LR={given['base_lr']:g}: LR_STEPS begins with {first:g}: leave BASE_LR out")
        return replace(settings, **{**self.defaults, **given})

    def scaled_rates(self, base_lr: float | None) -> Schedule:
        """The network's own schedule, begun with another rate."""
        rates: Schedule = self.defaults["lr_steps"]
        factor = 1.0 if base_lr is None else base_lr / rates[0][1]
        return tuple((start, rounded(rate * factor)) for start, rate in rates)

    def run_name(self, settings: Settings) -> str:
        """The name of the run of resolved ``settings``. A rate is named once: as base_lr where that alone tells it."""
        own = dict(self.defaults)
        alike = text_of(self.scaled_rates(settings.base_lr)) == text_of(settings.lr_steps)
        own["lr_steps" if alike else "base_lr"] = settings.lr_steps if alike else settings.base_lr
        return settings.run_name(own)


def rounded(value: float) -> float:
    """A float32 of a prototxt as the decimal that was written there."""
    return float(format(value, "g"))


def learning_rates(solver: caffe_pb2.SolverParameter) -> Schedule:
    """The rates of the policies fixed and multistep. UserError for another, which has no schedule of constant rates."""
    if solver.lr_policy not in ("fixed", "multistep"):
        raise UserError(f"lr_policy '{solver.lr_policy}': use fixed or multistep, or give LR_STEPS")
    steps = enumerate([0, *solver.stepvalue] if solver.lr_policy == "multistep" else [0])
    return tuple((start, rounded(solver.base_lr * solver.gamma**power)) for power, start in steps)


def set_learning_rate(solver: caffe_pb2.SolverParameter, schedule: Schedule) -> bool:
    """Put a learning-rate schedule into a solver as Caffe's `fixed` or `multistep` policy.

    Returns False where no policy of Caffe expresses it (multistep has one ratio for every step): then the solver has
    the first rate, fixed, and `tools.train.solve` sets the later ones.
    """
    rates = [rate for _, rate in schedule]
    ratios = [after / before for before, after in zip(rates, rates[1:])]
    solver.base_lr, solver.lr_policy = rates[0], "fixed"
    solver.ClearField("stepvalue")
    solver.ClearField("gamma")
    if ratios and max(ratios) - min(ratios) <= 1e-9 * max(ratios):
        solver.lr_policy, solver.gamma = "multistep", float(f"{ratios[0]:.9g}")
        solver.stepvalue.extend(start for start, _ in schedule[1:])
    return not ratios or solver.lr_policy == "multistep"
