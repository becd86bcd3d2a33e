/* handlers - what the routes call. Each gets a whole request and answers it as request.h says. */
#ifndef AGENT_API_HANDLERS_H
#define AGENT_API_HANDLERS_H

#include <stdbool.h>

struct agent;
struct container;
struct request;

/* system.c */
void on_ping(struct request *request);
void on_version(struct request *request);
void on_info(struct request *request);

/* containers.c */
void on_container_list(struct request *request);
void on_container_inspect(struct request *request);
void on_container_kill(struct request *request);

/* lifecycle.c */
void on_container_start(struct request *request);
void on_container_stop(struct request *request);
void on_container_restart(struct request *request);

/* pause.c */
void on_container_pause(struct request *request);
void on_container_unpause(struct request *request);

/* logs.c */
void on_container_logs(struct request *request);

/* devices.c: berth's own */
void on_device_list(struct request *request);
void on_device_add(struct request *request);
void on_device_remove(struct request *request);

/* attach.c */
void on_container_attach(struct request *request);
void on_container_resize(struct request *request);

/* wait.c */
void on_container_wait(struct request *request);

/* execs.c */
void on_exec_create(struct request *request);
void on_exec_start(struct request *request);
void on_exec_inspect(struct request *request);
void on_exec_resize(struct request *request);
void on_exec_kill(struct request *request); /* berth's own */

/* networks.c */
void on_network_list(struct request *request);
void on_network_inspect(struct request *request);

/* images.c */
void on_image_list(struct request *request);
void on_image_inspect(struct request *request);

/* pulls.c */
void on_image_create(struct request *request);

/* berth.c */
void on_berth_status(struct request *request);
void on_berth_update(struct request *request);
void on_berth_rollback(struct request *request);

/* fsck.c */
void on_berth_fsck(struct request *request);

/* Looks up what request->name says; answers 404 or 409 and returns NULL when there is no such one. */
struct container *request_container(struct request *request);
/* Answers 409 and returns false when nothing can be begun in it: it does not run, or is paused, where it would wait for ever. */
bool request_can_begin(struct request *request, const struct container *container);

#endif
