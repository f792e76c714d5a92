"""How fast the log is: one module for each figure of docs/benchmarks.md. ``python -m bench`` lists them."""
