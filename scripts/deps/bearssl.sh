# BearSSL: everything; the linker takes what is called.
CFLAGS="$CFLAGS -Iinc -Isrc"
headers inc/*.h
compile bearssl $(find src -name '*.c' | LC_ALL=C sort)
