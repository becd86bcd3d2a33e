/*
 * signame - signals by name, as people and image configs write them: "SIGTERM", "TERM", "term",
 * "15", "SIGRTMIN+3" (systemd's images stop by that).
 */
#ifndef LIB_SIGNAME_H
#define LIB_SIGNAME_H

/* 1..64, or -EINVAL. Real-time signals are counted as glibc does: SIGRTMIN is 34. */
int signal_parse(const char *text);

/* "SIGTERM"; NULL for numbers without a name of their own. */
const char *signal_name(int number);

#endif
