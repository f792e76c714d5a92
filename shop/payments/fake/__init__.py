"""A payment gateway to try the shop with, in a process of its own: it moves no money, and forgets none."""
