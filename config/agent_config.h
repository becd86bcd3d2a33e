/*
 * agent_config - agent.ini, read and checked as a whole: values out, or the first error as
 * "FILE:LINE: [app sensor] memory = 64Q: not a size; use a number with K, M or G, such as 64M".
 *
 * Nothing is ignored: an unknown section or key, a key given twice, or one whose feature isn't
 * there yet is an error, and the agent keeps its last good config. agent.ini(5) has the grammar.
 */
#ifndef CONFIG_AGENT_CONFIG_H
#define CONFIG_AGENT_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/app_config.h"
#include "config/keys.h"
#include "config/network_config.h"
#include "lib/err.h"

#define AGENT_CONFIG_PATH "/etc/berth/agent.ini"
#define AGENT_CONFIG_SIZE_MAX (1u << 20)
#define AGENT_CONFIG_LINE_MAX 4000 /* bytes; what inih was built with must be more */
#define AGENT_CONFIG_APPS_MAX 64
#define AGENT_CONFIG_REGISTRIES_MAX 32

#define AGENT_CONFIG_MIRRORS_MAX 4 /* of a registry */
#define AGENT_CONFIG_PARALLEL_MAX 8
#define AGENT_CONFIG_PULL_MEMORY_LEAST (INT64_C(16) << 20)

struct mirror_config {
	char *host; /* as a registry's; its own section has its ca and auth */
	bool https;
};

/* [registry HOST]; paths are NULL when not given. */
struct registry_config {
	char *host; /* normal form: as in struct reference */
	char *ca;   /* PEM trust anchors; NULL: the system's bundle */
	char *auth; /* docker config.json */
	char *cert; /* PEM of this device's certificate; with key, or both are NULL */
	char *key;
	char *proxy; /* as in struct agent_config */
	bool insecure;
	struct mirror_config *mirrors; /* in the order in which they are tried */
	size_t mirror_count;
};

struct agent_config {
	char *store;
	char *run;
	int64_t poll_ms;
	int jitter_percent;
	int64_t min_free_bytes; /* of the store's file system, for pulls; -1: a default that depends on its size */
	int64_t bytes_per_s; /* `bandwidth`; 0: no cap */
	char *name;   /* NULL: take it from /etc/machine-id */
	char *socket; /* default: berth.sock in run */
	char *cgroup_parent;
	char *proxy;	/* http://..., "none", or NULL: as the environment says */
	char *no_proxy; /* NULL: as the environment says */
	int64_t memory_bytes, cpus_milli; /* of all apps together; 0: no limit */
	int64_t pull_memory_bytes, pull_cpus_milli; /* of the helpers together */
	int64_t first_id, id_count; /* `userns_ids`: what is there for apps with userns = auto */
	int parallel;	/* layers of a pull at the same time; 0: by processors and memory */
	struct registry_config *registries;
	size_t registry_count;
	struct network_config *networks;
	size_t network_count;
	struct app_config *apps; /* in the file's order */
	size_t app_count;
};

/* For who wants to know of more than the first mistake. */
struct mistakes {
	void (*tell)(const struct err *mistake, void *data);
	void *data;
};

/*
 * `file` names the text in errors. On success free with agent_config_free(). With `mistakes` the parser goes on behind
 * one: each is told, in the text's order. What is wrong only between sections is told when there is nothing else.
 */
int agent_config_parse(struct agent_config **out, const char *text, size_t size, const char *file,
		       const struct mistakes *mistakes, struct err *err);

/* The same from a file; that it can't be read is no mistake of those. Paths that it names aren't opened. */
int agent_config_load(const char *path, struct agent_config **out, const struct mistakes *mistakes, struct err *err);
void agent_config_free(struct agent_config *config);

/* NULL when there is none. */
const struct app_config *agent_config_app(const struct agent_config *config, const char *name);
const struct registry_config *agent_config_registry(const struct agent_config *config,
						    const char *host);
const struct network_config *agent_config_network(const struct agent_config *config,
						  const char *name);

/* The keys of [agent] and [registry HOST]. */
const struct key_table *agent_config_keys(void);
const struct key_table *registry_config_keys(void);

#endif
