/* fsck_look - store/fsck with what only the agent's side can read: the apps' records. */
#ifndef AGENT_UPKEEP_FSCK_LOOK_H
#define AGENT_UPKEEP_FSCK_LOOK_H

#include <jansson.h>

#include "store/fsck.h"

/* fsck() with the versions that the records name. Any process may do this; it writes nothing. */
int fsck_look(struct fsck *look, struct err *err);

/* {"kind","file","layer","path","text","users","remedy"}; absent: "layer", when it is about none. A new reference. */
json_t *fsck_finding_json(const struct fsck_finding *finding);

/* Orphans and layers without an index are no damage. */
bool fsck_is_damage(const char *kind);

#endif
