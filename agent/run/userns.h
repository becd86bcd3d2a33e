/*
 * userns - user namespaces and their ID mappings (user_namespaces(7)).
 *
 * linux.uidMappings and gidMappings say which IDs of the host those in the container are. Without
 * a mapping an ID has no power over anything of the host's; so what is 0 in the container is
 * somebody without rights outside.
 *
 * The same mappings on a mount ("idmap", Linux 5.12) show files of owner CONTAINER as belonging to
 * HOST: what an image has stored as root's is root's in such a container, and nothing is chown()ed.
 */
#ifndef AGENT_RUN_USERNS_H
#define AGENT_RUN_USERNS_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/err.h"

#define ID_MAPS_MAX 340 /* the kernel's limit since 4.15 */
#define ID_NONE UINT32_MAX

struct id_map {
	uint32_t container;
	uint32_t host;
	uint32_t size;
};

struct id_maps {
	struct id_map *maps;
	size_t count;
};

/* A list of {"containerID", "hostID", "size"}. Release it also after an error. */
int id_maps_read(struct id_maps *maps, const json_t *object, const char *name, struct err *err);
void id_maps_release(struct id_maps *maps);

/* What that ID is on the host, or ID_NONE. */
uint32_t id_maps_to_host(const struct id_maps *maps, uint32_t id);

/* Writes the mappings of a process in a new user namespace; from outside of it. */
int userns_map(pid_t pid, const struct id_maps *uids, const struct id_maps *gids, struct err *err);

/* A descriptor of a user namespace that has these mappings and nobody in it: for mounts. */
int userns_open(const struct id_maps *uids, const struct id_maps *gids, struct err *err);

/*
 * Root of the user namespace that the caller has just entered: until then it is the host's, with
 * the host's files. Clears the parent-death signal, as any change of user.
 */
int userns_become_root(struct err *err);

/* What a container's root is on the host. */
struct userns_root {
	uid_t uid;
	gid_t gid;
};

/* By a process in it; the host's root when it is no other. */
struct userns_root userns_root_of(pid_t pid);

/*
 * Pipes on 0 to 2 belong to that one from now on, who may open them again, and give them to
 * another user of the container.
 */
void userns_own_pipes(const struct userns_root *root);

#endif
