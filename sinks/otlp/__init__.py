"""An OpenTelemetry collector, over HTTP or gRPC."""
