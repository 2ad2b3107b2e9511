"""The local stack as an HTTP server: one application on waitress, Batch ahead of moto, and control paths."""
