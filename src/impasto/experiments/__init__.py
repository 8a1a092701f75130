"""Experiments on pastiches: grids, the paper's figures, comparisons, the demo."""
