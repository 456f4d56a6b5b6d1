"""The panel "Train": start, watch and compare training runs, and use what came of them."""
