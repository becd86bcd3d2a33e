/*
 * reaper - `berth init -- COMMAND ARGUMENT...`: a small first process for containers whose program
 * isn't made to be one. It starts the command, passes every signal on to it, reaps whatever processes
 * end up without a parent, and ends as the command does (128 + N when signal N killed it).
 *
 * The runtime puts it in front of what it executes when config.json's process.init says so. It runs as
 * the container's user, out of the runtime's own sealed binary (agent/run/seal.h), so the container
 * gets nothing into its file system that it could write to. It allocates nothing.
 */
#ifndef AGENT_RUN_REAPER_H
#define AGENT_RUN_REAPER_H

int reaper_main(int argc, char **argv);

/* What execve() takes for it, in front of the arguments; free() the vector alone. */
char **reaper_command(char *const *args);

#endif
