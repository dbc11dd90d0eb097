"""From assembled records to clean batches: findings are replaced, rows become records again. What comes out is `Clean`."""
