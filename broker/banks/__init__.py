"""The banks: who they are, what they speak, and how to reach them."""
