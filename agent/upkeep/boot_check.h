/*
 * boot_check - after each start of the agent: is the store what it was?
 *
 * A clean end leaves the file `clean` in the store, which the next start removes: two small writes for each
 * boot. Without it, and when the kernel is another one than at the last start (<run>/boot has its boot ID), the
 * power was cut: flash that lies about what it has written may have lost anything.
 *
 *	clean end, the same boot, no layers	presence of everything, in a helper: index checksums, records, documents
 *	else				every content, BOOT_CHECK_CONTENT_MS later and at the lowest priority
 *
 * Besides, an app's layers are stat-compared before it starts the first time (app_check.c), always.
 * What is damaged is fetched again (heal.h).
 */
#ifndef AGENT_UPKEEP_BOOT_CHECK_H
#define AGENT_UPKEEP_BOOT_CHECK_H

#define BOOT_CHECK_CONTENT_MS 10000 /* after the start: apps come first */

struct agent;

/* The store is open, the loop is there, apps are booted. */
void boot_check_start(struct agent *agent);

/* The agent ends as it was asked to. Nothing is marked while damage is known or the check has not ended. */
void boot_check_leave(struct agent *agent);

#endif
