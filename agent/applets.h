/*
 * applets - the roles of the one binary. Each is entered by re-executing it ("berth ROLE ..."), so
 * that a helper starts with a fresh, small heap. The table is in main.c.
 */
#ifndef AGENT_APPLETS_H
#define AGENT_APPLETS_H

#include "agent/network/attach.h"	/* attach_main(): connects a container, started by the runtime */
#include "agent/network/forward.h"	/* forward_main(): carries what the kernel can't */
#include "agent/run/reaper.h"  /* reaper_main(): the first process of containers that ask for one */
#include "agent/run/runtime.h" /* runtime_main(): the OCI runtime command line */

int agent_main(int argc, char **argv);	 /* the daemon */
int cli_main(int argc, char **argv);	 /* every client command; argv[0] is the command */

/* Started by the agent only. */
int fetch_main(int argc, char **argv);	/* talks to one registry */
int decode_main(int argc, char **argv);	/* checks and decompresses what fetch brings */
int unpack_main(int argc, char **argv); /* verifies and unpacks what decode gives */
int relink_main(int argc, char **argv); /* links unchanged files to those of another layer */
int sweep_main(int argc, char **argv);	/* removes what the store has thrown away */
int shim_main(int argc, char **argv);	/* parent of one container's init */
int fsck_store_main(int argc, char **argv); /* looks through the store */
int probe_main(int argc, char **argv);	/* one health probe */

#endif
