# libarchive: reading tar (ustar, pax, GNU) from callbacks or memory; writing it for the tests. No disk reader or
# writer, no other format, no filter: streams are decompressed before they get here.
# Patches: Debian's security fixes that touch what is compiled here (of 3.6.2-1+deb12u5: the others mend rar, warc, iso9660,
# zip and programs), kept because Debian's archive keeps only the newest revision. CVE-2025-5918 is about skipping past the
# end of a file.
for patch in "$top"/scripts/deps/libarchive/*.patch; do
	run patch -p1 -i "$patch"
done
cp "$top/scripts/deps/libarchive/config.h" libarchive/
cp "$top/scripts/deps/libarchive/composition_stub.h" libarchive/archive_string_composition.h
# ACLs are read by no one here, and no one asks for UTF-16 or NFD: the compiler leaves out what is for them.
sed -i '/#include "archive_acl_private.h"/a #define archive_acl_from_text_l(acl, text, type, conversion) ARCHIVE_OK' \
	libarchive/archive_read_support_format_tar.c
sed -i -E 's/^#define SCONV_(NORMALIZATION_D|(TO|FROM)_UTF16[BL]E)\>[^/]*/#define SCONV_\1 0 /' libarchive/archive_string.c
CFLAGS="$CFLAGS -DHAVE_CONFIG_H -Ilibarchive -w"
headers libarchive/archive.h libarchive/archive_entry.h
files=
for name in acl check_magic entry entry_link_resolver entry_sparse entry_stat entry_strmode entry_xattr options \
	pack_dev rb read read_append_filter read_open_fd read_open_memory read_set_format read_set_options \
	read_support_filter_none read_support_format_tar string string_sprintf util virtual \
	write write_add_filter_none write_open_memory write_open_fd write_set_format_gnutar write_set_format_pax \
	write_set_format_ustar; do
	files="$files libarchive/archive_$name.c"
done
compile archive $files
