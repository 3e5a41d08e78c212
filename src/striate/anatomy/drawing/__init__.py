"""How `diagram` works: from traced calls to volumes, from volumes to marks on a page."""
