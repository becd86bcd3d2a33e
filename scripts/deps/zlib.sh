# zlib: inflate and its checksums, and deflate for the tests (no one in berth calls it: the linker leaves it out).
CFLAGS="$CFLAGS $SPEED -DHAVE_UNISTD_H -D_LARGEFILE64_SOURCE=1 -DHAVE_HIDDEN"
headers zlib.h zconf.h
compile z adler32.c crc32.c inffast.c inflate.c inftrees.c zutil.c deflate.c trees.c
