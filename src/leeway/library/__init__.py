"""A detector in your own process: train it on what an agent did, and ask it before each act."""
