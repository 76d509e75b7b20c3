"""The third dimension of people: a table of depths beside them, and the cameras that saw them."""
