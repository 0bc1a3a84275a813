"""Candidates: profile, CV, opt-in and withdrawal, states, exclusions, access log."""
