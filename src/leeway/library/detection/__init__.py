"""How the detector judges: aspects of an event, each held out against the agent's own past, and one rank over all."""
