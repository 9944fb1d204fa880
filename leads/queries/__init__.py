"""All reads of the ground floor, one module for each question people ask."""
