"""Loss and accuracy against iterations."""

from __future__ import annotations

from tools.report.curves import beyond, highest_loss


def test_the_first_test_of_all_does_not_press_the_other_losses_flat():
    assert highest_loss([("test", 0, 78.4), ("train", 0, 2.0), ("test", 500, 4.0)]) == 1.05 * 4
    assert highest_loss([("train", 0, 3.0), ("test", 500, 2.0)]) == 1.05 * 3
    assert highest_loss([("test", 0, 78.4)]) == 1.05 * 78.4
    assert highest_loss([]) > 0


def test_a_loss_above_the_axis_is_said():
    assert beyond([("test", 0, 78.4), ("test", 500, 4.0)]) == " The first test's loss, 78, is above it."
    assert beyond([("train", 0, 3.0), ("test", 0, 2.3), ("test", 500, 2.0)]) == ""
