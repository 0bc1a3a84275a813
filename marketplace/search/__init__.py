"""Search behind one port: query, facets, analysis, the engine adapter, the use case and its pages."""
