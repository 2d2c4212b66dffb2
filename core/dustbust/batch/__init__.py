"""Cleaning many files: the batch, its journal, its receipt, and one mask for each run."""
