/* path - absolute paths that come from agent.ini and from images, in one form. */
#ifndef CONFIG_PATH_H
#define CONFIG_PATH_H

#include "lib/err.h"

#define PATH_LENGTH_MAX 4000 /* below the kernel's PATH_MAX, with room for what is put in front */

/*
 * Checks that `text` is absolute and has no ".." in it, and gives it without double and trailing
 * slashes and without "." parts, so that equal places have equal texts. free() it.
 */
int path_clean(const char *text, char **clean, struct err *err);

#endif
