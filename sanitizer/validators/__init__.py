"""What tells a secret from what only looks like one: check digits, inner structure, published ranges, dictionaries."""
