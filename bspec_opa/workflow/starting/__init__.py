"""A project from nothing, or one more agent in it: what ``init`` writes."""
