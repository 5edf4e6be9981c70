"""Commands about tickets: decided, logged, and relayed to Kafka."""
