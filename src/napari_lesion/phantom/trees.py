"""Branching trees: the arteries, veins and airways of the lungs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]


class Tree(NamedTuple):
    """Segments of a tree, as arrays with a row for each."""

    start: Points
    """(n, 3), mm, the end towards the root."""
    end: Points
    """(n, 3), mm."""
    radius: Points
    """(n,), mm."""


def grow(
    root: npt.ArrayLike, targets: Points, *, tip_radius: float, detour: float = 0.45, exponent: float = 2.25
) -> Tree:
    """Grow the tree that feeds every target from the root by short and direct paths.

    Parameters
    ----------
    root : (3,)
    targets : (n, 3)
        Points that the tree has to reach.
    tip_radius : float
        Radius of the last twigs, mm.
    detour : float
        How much the length of the path to the root counts against the length of new vessel (0: the shortest tree).
    exponent : float
        A parent's radius to this power is the sum of its children's (3 is Murray's law).

    References
    ----------
    Cuntz et al., "One rule to grow them all", PLoS Comput Biol 6(8), 2010.
    """
    points = np.concatenate([np.asarray(root, dtype=np.float64)[None], targets])
    n = len(points)
    parent = np.zeros(n, dtype=np.intp)
    path = np.zeros(n)
    cost = np.linalg.norm(points - points[0], axis=1) * (1 + detour)
    length = np.linalg.norm(points - points[0], axis=1)
    cost[0] = np.inf
    order = []
    for _ in range(n - 1):
        new = int(cost.argmin())
        order.append(new)
        path[new] = path[parent[new]] + length[new]
        cost[new] = np.inf
        away = np.linalg.norm(points - points[new], axis=1)
        through = away + detour * (path[new] + away)
        closer = (through < cost) & np.isfinite(cost)
        cost[closer], parent[closer], length[closer] = through[closer], new, away[closer]

    carried = np.zeros(n)
    children = np.bincount(parent[1:], minlength=n)
    for node in reversed(order):
        if children[node] == 0:
            carried[node] = tip_radius**exponent
        carried[parent[node]] += carried[node]
    radius = carried ** (1 / exponent)

    # Relax the kinks: a vessel runs on through a fork towards its larger child.
    main = np.full(n, -1, dtype=np.intp)
    for node in order:
        p = parent[node]
        if main[p] < 0 or carried[node] > carried[main[p]]:
            main[p] = node
    inner = np.array([m for m in order if main[m] >= 0], dtype=np.intp)
    if len(inner):
        for _ in range(6):
            points[inner] = 0.5 * points[inner] + 0.25 * (points[parent[inner]] + points[main[inner]])
    nodes = np.array(order, dtype=np.intp)
    return Tree(points[parent[nodes]], points[nodes], radius[nodes])


def beside(tree: Tree, *, min_radius: float, scale: float, wall: float) -> Tree:
    """Airways that run beside the larger arteries, towards the middle of the body.

    Parameters
    ----------
    tree : Tree
        Arteries.
    min_radius : float
        Arteries thinner than this have no visible airway, mm.
    scale : float
        Radius of the lumen in terms of the artery's.
    wall : float
        Thickness of the airway's wall, mm.
    """
    keep = tree.radius >= min_radius
    start, end, radius = tree.start[keep], tree.end[keep], tree.radius[keep]
    lumen = scale * radius
    # One direction for the whole tree keeps the airways connected.
    aside = np.array([0.0, 0.55, 0.83])
    aside[0] = -0.5 * np.sign(tree.end[:, 0].mean()) if len(tree.end) else 0.0
    aside /= np.linalg.norm(aside)
    shift = (radius + lumen + wall)[:, None] * aside
    return Tree(start + shift, end + shift, lumen)
