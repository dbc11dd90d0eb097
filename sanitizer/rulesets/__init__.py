"""Rules as data: read, checked, selected, and compiled into what the scan looks for."""
