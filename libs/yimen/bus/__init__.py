"""Events between services: envelope, batch processing with inbox and parking, relay, the embedded and the RabbitMQ bus."""
