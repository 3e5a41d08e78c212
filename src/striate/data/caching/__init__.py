"""The decoded cache: uint8 pictures in memory-mapped shards, keyed by what they were made from."""
