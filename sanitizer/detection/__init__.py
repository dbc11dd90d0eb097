"""From a buffer to findings: one scan, the extent of each hit, values under secret names, and what hides in a disguise."""
