"""A recurrent network over visits whose risk of cancer never falls when a lesion is larger or grows faster.

A GRU sees the context (gaps between dates, look, place, person) and nothing that grows. It sets how much is forgotten
from visit to visit, and how much growth counts. What grows goes through a second recurrent cell whose weights on all
that grows are positive and whose gates do not see it: with the same dates and context, all of its units rise with the
size at any visit, the growth between any two, and the growth through all dates. The hazards of cancer weigh these units
positively, so the promise holds by construction, whatever is learned. Growth of a lesion is predicted without it: one
that was measured too large will seem to shrink.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy
import torch
from torch import Tensor, nn
from torch.nn import functional

from napari_lesion.timeline.sequences import BINS, CONTEXT, GROWING


class TimelineNet(nn.Module):
    """Hazards of cancer and growth in each half-year after each visit.

    Parameters
    ----------
    width : int
        Units of each of both cells.
    """

    scale: Tensor
    shift: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.seen = nn.GRU(CONTEXT, width, batch_first=True)
        self.gate = nn.Linear(width, width)
        self.drive = nn.Linear(width, width)
        self.counts = nn.Linear(width, GROWING)
        self.grows = nn.Parameter(torch.randn(width, GROWING) * 0.5 - 0.5)
        self.stays = nn.Parameter(torch.randn(width, width) * 0.3 - 4)
        self.risen = nn.Parameter(torch.randn(BINS, width) * 0.3 - 2)
        self.rest = nn.Linear(width, BINS)
        self.growth = nn.Linear(2 * width, BINS)
        # Calibration, by outcome; the factor is positive.
        self.register_buffer("scale", torch.ones(2))
        self.register_buffer("shift", torch.zeros(2))
        nn.init.constant_(self.rest.bias, -4.0)
        nn.init.constant_(self.growth.bias, -2.0)

    def forward(self, growing: Tensor, context: Tensor) -> Tensor:
        """Give logits of the hazards, after each visit of what was seen up to it.

        Parameters
        ----------
        growing : (n, t, GROWING)
        context : (n, t, CONTEXT)

        Returns
        -------
        (n, t, 2, BINS)
            Of cancer, and of growth.
        """
        seen, _ = self.seen(context)
        keep = torch.sigmoid(self.gate(seen) + 1)
        risen = functional.linear(growing * functional.softplus(self.counts(seen)), functional.softplus(self.grows))
        drive, stays = self.drive(seen) + risen, functional.softplus(self.stays)
        state, states = torch.zeros_like(seen[:, 0]), []
        for n in range(growing.shape[1]):
            # The newest visit comes in as it is; what was before fades.
            state = keep[:, n] * state + (1 - keep[:, n]) * torch.tanh(drive[:, n] + functional.linear(state, stays))
            states.append(state + torch.tanh(drive[:, n]))
        units = torch.stack(states, 1)
        cancer = functional.linear(units, functional.softplus(self.risen)) + self.rest(seen)
        growth = self.growth(torch.cat([units, seen], -1))
        return torch.stack([cancer, growth], -2) * self.scale[:, None] + self.shift[:, None]


def timeline_loss(logits: Tensor, event: Tensor, at_risk: Tensor) -> Tensor:
    """Mean negative logarithm of the likelihood of what became of a lesion after a visit; times that are lost end it.

    Parameters
    ----------
    logits, event, at_risk : (n, t, 2, BINS)
    """
    each = functional.binary_cross_entropy_with_logits(logits, event, reduction="none") * at_risk
    return each.sum() / (at_risk[..., 0].sum() + 1e-6)


def calibrate(network: TimelineNet, logits: Tensor, event: Tensor, at_risk: Tensor) -> None:
    """Give the logits of each outcome a positive factor and an offset, by the likelihood of lesions not learned from.

    Parameters
    ----------
    network : TimelineNet
        With its calibration at 1 and 0.
    logits, event, at_risk : (n, t, 2, BINS)
    """
    for about in range(len(network.scale)):
        known = at_risk[:, :, about].numpy() > 0
        told, so = (one[:, :, about].numpy()[known].astype(np.float64) for one in (logits, event))

        def lost(
            x: npt.NDArray[np.float64], told: npt.NDArray[np.float64] = told, so: npt.NDArray[np.float64] = so
        ) -> tuple[float, npt.NDArray[np.float64]]:
            each = told * np.exp(x[0]) + x[1]
            error = scipy.special.expit(each) - so
            slopes = np.array([np.mean(error * told) * np.exp(x[0]), np.mean(error)])
            return float(np.mean(np.logaddexp(0, each) - so * each)), slopes

        # Not by torch's LBFGS, which loads its compiler for that: half a minute.
        factor, offset = scipy.optimize.minimize(lost, (0.0, 0.0), jac=True, method="BFGS").x
        network.scale[about], network.shift[about] = float(np.exp(factor)), float(offset)


@torch.no_grad()
def risks(network: nn.Module, growing: Tensor, context: Tensor) -> Tensor:
    """Chance of each outcome by the end of each half-year; (n, t, 2, BINS)."""
    hazard = torch.sigmoid(network(growing, context))
    return 1 - torch.cumprod(1 - hazard, -1)
