"""gRPC servers and clients: identity, deadlines, traces, health, one mapping of errors. Only this package imports grpc."""
