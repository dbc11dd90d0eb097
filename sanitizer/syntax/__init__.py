"""How a name and its value are joined, in all the notations that logs are written in; what is a value, and what is none."""
