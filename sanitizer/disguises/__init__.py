"""Encodings, escapes and look-alikes, and the way back: where in the original stands what a view of it says."""
