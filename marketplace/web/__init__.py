"""The edge every portal shares: sessions, form tokens, headers, errors, language, base templates."""
