"""The facts that Relato publishes and consumes: models, envelope, topics."""
