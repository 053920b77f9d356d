"""The runtime that turns a department's declaration into a deployable service. Written once for all of them."""
