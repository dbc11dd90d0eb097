"""Topics of Kafka, as a member of a consumer group or at positions of our own."""
