# inih: one file. The line buffer is on the heap and grows to 8 KiB, so that a long `env =` line is no error by itself.
CFLAGS="$CFLAGS -DINI_USE_STACK=0 -DINI_ALLOW_REALLOC=1 -DINI_MAX_LINE=8192 -DINI_STOP_ON_FIRST_ERROR=0"
headers ini.h
compile inih ini.c
