"""OpenTelemetry set-up, metric names, structured logs. Ids and codes only, nothing personal."""
