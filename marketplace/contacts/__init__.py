"""What a recruiter may do with a candidate: the contact decision, the one gate, openings, messages, copies."""
