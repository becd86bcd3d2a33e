/* glob - a shell pattern as Go's path.Match reads it, which is what Docker's filters are matched with. */
#ifndef LIB_GLOB_H
#define LIB_GLOB_H

#include <stdbool.h>

/*
 * Whether `pattern` describes all of `text`: * any bytes, ? one, [a-z] and [^a-z] one of a set, none of them a slash;
 * \ takes the meaning of what follows. A pattern that is malformed where it is reached matches nothing.
 */
bool glob_match(const char *pattern, const char *text);

#endif
