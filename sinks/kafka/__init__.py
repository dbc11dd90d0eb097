"""A topic of Kafka: idempotent, or within a transaction."""
