"""What turns a service's declaration into processes: settings, context, registry, worker and server."""
