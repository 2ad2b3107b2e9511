"""What batchiac measures of itself; run by `make bench`."""
