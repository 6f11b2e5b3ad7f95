"""What a person is told: their inbox, and the page where they choose what and where."""
