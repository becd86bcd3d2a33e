/* check - what the store's file system can't do, told once at start. For store/ only. */
#ifndef STORE_CHECK_H
#define STORE_CHECK_H

#include "store/store.h"

/* Logs a warning for each thing that containers will need and that is missing, with the way out. Writes only what trial.h says. */
void check_file_system(struct store *store);

#endif
