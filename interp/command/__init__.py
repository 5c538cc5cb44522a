"""The command line `interp`: its commands and options, a thin shell over the public functions."""
