/*
 * layout_index - index.json of an OCI image layout (image-spec image-layout.md): which names it has. A parser of
 * foreign bytes: pointer and length in, no I/O.
 */
#ifndef CONFIG_LAYOUT_INDEX_H
#define CONFIG_LAYOUT_INDEX_H

#include <stddef.h>
#include <stdint.h>

#include "config/digest.h"
#include "lib/err.h"

/*
 * The manifest or index whose annotation org.opencontainers.image.ref.name is `tag`. -ENOENT with the names that
 * are there; -EINVAL: broken, or two have that name; -E2BIG: over a limit of config/manifest.h.
 */
int layout_index_find(const void *data, size_t size, const char *tag, struct digest *digest,
		      int64_t *size_bytes, struct err *err);

#endif
