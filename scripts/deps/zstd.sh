# zstd: the decoder only. -O2: 1.9 times as fast as -Os for 34 kB, and it is what a pull spends its time in.
# No legacy formats, no assembler (one code for every architecture), no threads, no trace hooks.
CFLAGS="$CFLAGS $SPEED -Ilib -Ilib/common -DZSTD_LEGACY_SUPPORT=0 -DZSTD_DISABLE_ASM=1 -DZSTD_TRACE=0 -DDEBUGLEVEL=0"
headers lib/zstd.h lib/zstd_errors.h
compile zstd lib/common/debug.c lib/common/entropy_common.c lib/common/error_private.c lib/common/fse_decompress.c \
	lib/common/xxhash.c lib/common/zstd_common.c lib/decompress/*.c
