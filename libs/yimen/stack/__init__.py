"""A whole platform on one machine: finds or starts RabbitMQ and PostgreSQL, runs every worker and server."""
