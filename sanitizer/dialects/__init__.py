"""Audit events in the words of others: OpenTelemetry, OCSF, Elastic, CEF, and the field sets of MCPAtlas and ATOMS."""
