"""How long must a test run?"""
