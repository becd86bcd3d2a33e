/*
 * id_range - the user and group IDs that an app with userns = auto has on the device: so many of its
 * own, from [agent] userns_ids. They are kept in the app's record, for the files in its writable
 * layers have them as owners; so they stay the app's until it leaves agent.ini.
 */
#ifndef AGENT_APP_ID_RANGE_H
#define AGENT_APP_ID_RANGE_H

#include "config/agent_config.h"
#include "lib/err.h"

struct app;

/*
 * Before a container is started: app->record.first_id, given now and saved if there is none yet.
 * -EUSERS: all are taken.
 */
int id_range_take(struct app *app, struct err *err);

#endif
