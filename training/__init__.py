"""Makes what is in model/artifacts from the original MNIST bytes. Knows torch; never meets the service."""
