"""Files that grow, are rotated, vanish and come back."""
