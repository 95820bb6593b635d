"""Notebooks into dated reports: run, render, gate, publish, index."""
