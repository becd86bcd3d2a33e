# libseccomp: its configure step is two headers, written here. The lookup table by name is in the release tarball.
cat >configure.h <<'H'
#define HAVE_LINUX_SECCOMP_H 1
#define ENABLE_PYTHON 0
H
sed 's/@VERSION_MAJOR@/2/; s/@VERSION_MINOR@/5/; s/@VERSION_MICRO@/4/' include/seccomp.h.in >include/seccomp.h
CFLAGS="$CFLAGS -D_GNU_SOURCE -I. -Iinclude -Isrc -w"
headers include/seccomp.h include/seccomp-syscalls.h
compile seccomp $(ls src/*.c | grep -v -e arch-syscall-dump)
