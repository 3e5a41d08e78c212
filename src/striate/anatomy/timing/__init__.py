"""How `profile` works: clocks, hooks, passes, and the bars that show what they found."""
