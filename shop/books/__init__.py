"""Whether the shop's books are right, now and at every moment of its past: what ``manage.py verify`` looks at.

Everything is added up anew from the facts as they lie in the log. No code is shared with the aggregates that should
have seen to it: what they get wrong, these find.
"""
