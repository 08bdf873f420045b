"""From the columns of a source to the values that its records want at the destination."""
