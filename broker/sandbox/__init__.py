"""A world to try the broker in: banks and a chat platform as outsiders, people with seeded data, and the starter."""
