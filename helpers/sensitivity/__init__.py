"""What is left of an effect when time is counted as it passed, and when something was not measured."""
