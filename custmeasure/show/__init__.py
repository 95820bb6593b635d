"""What a result looks like: its table, its words in Korean and English, its plots."""
