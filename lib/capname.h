/* capname - capabilities(7) by name. Numbers are the kernel's, bits of the masks that it takes. */
#ifndef LIB_CAPNAME_H
#define LIB_CAPNAME_H

/* The number of "CAP_CHOWN", in any case; -EINVAL for an unknown name. */
int cap_parse(const char *name);
/* NULL past the last one. */
const char *cap_name(int number);

#endif
