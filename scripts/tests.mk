# Tests; part of the Makefile.
