"""One training loop for every task, its augmentation, optimizers and checkpoints."""
