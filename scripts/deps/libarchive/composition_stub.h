#ifndef ARCHIVE_STRING_COMPOSITION_H_INCLUDED
#define ARCHIVE_STRING_COMPOSITION_H_INCLUDED
/*
 * Stands in for archive_string_composition.h, libarchive's Unicode NFC/NFD tables (30 kB): names in a tar are bytes
 * here, compared as bytes.
 */
#include <stdint.h>

struct unicode_composition_table {
	uint32_t cp1, cp2, nfc;
};
static const struct unicode_composition_table u_composition_table[] = { { 0, 0, 0 } };

struct unicode_decomposition_table {
	uint32_t nfc, cp1, cp2;
};
static const struct unicode_decomposition_table u_decomposition_table[] = { { 0, 0, 0 } };

#define CANONICAL_CLASS_MIN 0x0300
#define CANONICAL_CLASS_MAX 0x1D244
#define IS_DECOMPOSABLE_BLOCK(uc) 0
#define CCC(uc) 0
#endif
