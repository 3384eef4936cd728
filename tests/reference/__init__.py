"""The reference pages of the docs, compared with the code that they tell of."""
