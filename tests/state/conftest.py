"""Small campaigns to push around: the shortest values every event accepts."""
