"""Officer identity, service keys and signatures, field encryption, masking."""
