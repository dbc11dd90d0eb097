"""What a process of ours is as a process: its memory, its collector, its own messages, its tasks."""
