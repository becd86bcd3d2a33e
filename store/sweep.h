/*
 * sweep - what the store has thrown away: trees in staging/ whose name begins with 't'.
 *
 * Removing a layer of 10 000 files takes seconds on flash. So whoever throws a tree away only
 * renames it (file_throw_away()): after that it is gone for everybody, and a power cut leaves at
 * most a piece of it in staging/. The removal itself is for a process of its own
 * (agent/helper/sweep.c), which gets the directory's descriptor and nothing else of the store.
 */
#ifndef STORE_SWEEP_H
#define STORE_SWEEP_H

#include <stdbool.h>

#include "lib/err.h"

/* Is there anything of that kind? */
bool sweep_is_due(int staging);

/* Removes it all. One that can't be removed doesn't keep the others: the first error is told at the end. */
int sweep(int staging, struct err *err);

#endif
