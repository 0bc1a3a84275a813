"""What a recruiter may do with a candidate: decision, the one gate, openings, messages, copies."""
