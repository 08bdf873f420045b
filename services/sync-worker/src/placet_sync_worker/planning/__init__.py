"""Planning: both sides are read, compared, and made into the changes of a plan."""
