"""How `trace` works: a ghost of the net, a recorder over it, a rule for every operation."""
