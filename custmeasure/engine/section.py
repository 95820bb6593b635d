"""What ``[sources.NAME]`` of shop.toml may say of a database."""

SECTION_KEYS = (
    "uri_env", "file", "driver", "statement_timeout", "lock_timeout", "memory", "threads",
)  # fmt: skip
