//! Several nodes, over NATS JetStream.
