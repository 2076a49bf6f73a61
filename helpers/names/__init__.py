"""What a reader calls the analyses, weights, ways of counting time and causes that the ledger's keys name."""
