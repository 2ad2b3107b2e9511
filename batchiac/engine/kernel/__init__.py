"""The discrete-event kernel: what happens next, and chance. It knows nothing of Batch, threads or the wall clock."""
