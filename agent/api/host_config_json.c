/* HostConfig: what agent.ini says of a container, in Docker's words. */
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/api/answer.h"
#include "agent/api/container_json.h"
#include "agent/api/network_json.h"
#include "agent/container/container.h"
#include "lib/capname.h"
#include "lib/fd.h"

static json_t *binds_json(const struct app_config *settings)
{
	json_t *array = answer_pack("[]");

	for (size_t i = 0; i < settings->volume_count + settings->bind_count; i++) {
		const struct app_mount *mount = i < settings->volume_count ?
							&settings->volumes[i] :
							&settings->binds[i - settings->volume_count];
		char *text FREE_CLEANUP = xasprintf("%s:%s%s", mount->source, mount->path,
						    mount->read_only ? ":ro" : "");

		json_array_append_new(array, answer_text(text));
	}
	return array;
}

static json_t *devices_json(const struct app_config *settings)
{
	json_t *array = answer_pack("[]");

	for (size_t i = 0; i < settings->device_count; i++) {
		const struct app_device *device = &settings->devices[i];

		json_array_append_new(array, answer_pack("{s:o, s:o, s:s}", "PathOnHost",
							 answer_text(device->source),
							 "PathInContainer",
							 answer_text(device->path),
							 "CgroupPermissions", device->permissions));
	}
	return array;
}

/* null where none is given, as docker has it. */
static json_t *capabilities_json(uint64_t set)
{
	json_t *array;

	if (!set)
		return json_null();
	if (set == APP_ALL_CAPABILITIES)
		return answer_pack("[s]", "ALL");
	array = answer_pack("[]");
	for (int i = 0; cap_name(i); i++)
		if (set >> i & 1)
			json_array_append_new(array, json_string(cap_name(i)));
	return array;
}

static json_t *security_json(const struct app_confine *confine)
{
	if (confine->new_privileges || confine->privileged)
		return json_null();
	return answer_pack("[s]", "no-new-privileges");
}

static json_t *tmpfs_json(const struct app_storage *storage)
{
	json_t *object;

	if (!storage->tmpfs_count)
		return json_null();
	object = answer_pack("{}");
	for (size_t i = 0; i < storage->tmpfs_count; i++)
		json_object_set_new(object, storage->tmpfs[i].path,
				    answer_text(storage->tmpfs[i].options));
	return object;
}

/* As `docker run --storage-opt size=` is shown. */
static json_t *storage_json(const struct app_storage *storage)
{
	char *size FREE_CLEANUP = xasprintf("%lld", (long long)storage->quota_bytes);

	return answer_pack("{s:s}", "size", size);
}

static json_t *ulimits_json(const struct app_process *process)
{
	json_t *array;

	if (!process->ulimit_count)
		return json_null();
	array = answer_pack("[]");
	for (size_t i = 0; i < process->ulimit_count; i++) {
		const struct app_ulimit *limit = &process->ulimits[i];

		json_array_append_new(array, answer_pack("{s:s, s:I, s:I}", "Name", limit->name,
							 "Hard", (json_int_t)limit->hard, "Soft",
							 (json_int_t)limit->soft));
	}
	return array;
}

static json_t *sysctls_json(char *const *sysctls)
{
	json_t *object;

	if (!sysctls)
		return json_null();
	object = answer_pack("{}");
	for (; *sysctls; sysctls++) {
		size_t size = strcspn(*sysctls, "=");
		char *name FREE_CLEANUP = xstrndup(*sysctls, size);

		json_object_set_new(object, name, answer_text(*sysctls + size + 1));
	}
	return object;
}

static json_t *limits_json(const struct app_config *settings)
{
	return answer_pack(
		"{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "Memory",
		(json_int_t)settings->memory_bytes, "MemoryReservation",
		(json_int_t)settings->memory_reservation_bytes, "MemorySwap",
		(json_int_t)settings->memory_swap_bytes, "NanoCpus",
		(json_int_t)settings->cpus_milli * 1000000, "CpuShares",
		(json_int_t)settings->cpu_shares, "PidsLimit", (json_int_t)settings->pids,
		"BlkioWeight", (json_int_t)settings->blkio_weight, "CpusetCpus",
		answer_text(settings->cpuset));
}

static json_t *confinement_json(const struct app_config *settings)
{
	const struct app_confine *confine = &settings->confine;
	const struct app_storage *storage = &settings->storage;
	const struct app_process *process = &settings->process;
	int64_t shm_bytes = storage->shm_bytes ? storage->shm_bytes : APP_SHM_SIZE;

	return answer_pack(
		"{s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:o, s:b, s:i, s:s, s:s, s:s}",
		"Privileged", confine->privileged, "ReadonlyRootfs",
		app_storage_is_read_only(storage), "SecurityOpt", security_json(confine), "CapAdd",
		capabilities_json(confine->cap_add), "CapDrop",
		capabilities_json(confine->cap_drop), "Tmpfs", tmpfs_json(storage), "Ulimits",
		ulimits_json(process), "Sysctls", sysctls_json(confine->sysctls), "ShmSize",
		(json_int_t)shm_bytes, "GroupAdd", answer_texts_or_null(process->groups), "Init",
		process->init, "OomScoreAdj", process->oom_score_adj, "PidMode",
		confine->host_pid ? "host" : "", "IpcMode", confine->host_ipc ? "host" : "private",
		"UsernsMode", confine->own_ids ? "auto" : "");
}

static json_t *names_json(const struct app_network *network)
{
	return answer_pack("{s:o, s:o, s:o, s:o}", "Dns", answer_texts(network->dns), "DnsSearch",
			   answer_texts(network->dns_search), "DnsOptions", answer_texts(network->dns_options),
			   "ExtraHosts", answer_texts_or_null(network->extra_hosts));
}

json_t *host_config_json(const struct container *container)
{
	const struct app_config *settings = container->settings;
	json_t *json = answer_pack(
		"{s:o, s:o, s:o, s:n, s:{s:s, s:i}, s:b, s:o, s:{s:s, s:{}}, s:s, s:s}", "Binds",
		binds_json(settings), "NetworkMode", network_mode_json(container), "PortBindings",
		network_bindings_json(container), "Links", "RestartPolicy", "Name", restart_kind_text(settings->restart.kind),
		"MaximumRetryCount", settings->restart.max, "AutoRemove", 0, "Devices",
		devices_json(settings), "LogConfig", "Type", "local", "Config", "CgroupParent",
		container->agent->config->cgroup_parent, "Runtime", "berth");

	json_object_update_new(json, names_json(&settings->network));
	if (settings->storage.quota_bytes)
		json_object_set_new(json, "StorageOpt", storage_json(&settings->storage));
	json_object_update_new(json, limits_json(settings));
	json_object_update_new(json, confinement_json(settings));
	return json;
}
