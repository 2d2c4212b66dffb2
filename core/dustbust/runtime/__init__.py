"""Threads, memory, progress, clusters."""
