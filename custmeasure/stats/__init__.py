"""Pure numerics on sufficient statistics: no engine, no tables, no plots."""
