"""What text says by itself: words, messages, and the masks that this program left in it."""
