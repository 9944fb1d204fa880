"""The rules of an installation as one YAML file: written out, compared, tried and taken over.

What counts is decided by the actions of each app; here is only what holds them together.
"""
