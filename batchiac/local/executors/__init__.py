"""How a job's containers run: simulated (the engine's behaviour, the default) or as processes of this machine."""
