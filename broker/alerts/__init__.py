"""Fraud alerts: a bank says that there is one, and each platform with a grant is told an id to fetch it by."""
