"""For tests of services and of the platform: a host for processors, and the conformance suite of the bus."""
