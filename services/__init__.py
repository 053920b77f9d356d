"""The deployable services, one folder each. No service imports another; what they share is protos and libs."""
