# BearSSL: everything; the linker takes what is called.
# The private-key decoder believes its buffer to be three times BR_X509_BUFSIZE_KEY, 24 bytes more than 0.6 gives it:
# a key file could write past it. Upstream corrected the size after 0.6.
run grep -q 'key_data\[3 \* BR_X509_BUFSIZE_SIG\]' inc/bearssl_x509.h
sed -i 's/key_data\[3 \* BR_X509_BUFSIZE_SIG\]/key_data[3 * BR_X509_BUFSIZE_KEY]/' inc/bearssl_x509.h
CFLAGS="$CFLAGS -Iinc -Isrc"
headers inc/*.h
compile bearssl $(find src -name '*.c' | LC_ALL=C sort)
