#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/api/answer.h"
#include "agent/api/handlers.h"
#include "agent/api/request.h"
#include "agent/container/container.h"
#include "agent/run/cgroup.h"
#include "config/platform.h"
#include "lib/fd.h"
#include "lib/json.h"
#include "lib/time.h"
#include "store/image.h"
#include "version.h"

void on_ping(struct request *request)
{
	reply_text(request, 200, "OK");
}

static json_t *api_version(int minor)
{
	char text[16];

	snprintf(text, sizeof(text), "1.%d", minor);
	return answer_text(text);
}

static json_t *build_time(void)
{
	char text[TIME_TEXT_MAX];

	time_format(text, (int64_t)BUILD_TIME * NS_PER_S);
	return answer_text(text);
}

static json_t *components_json(const struct platform *platform, const struct utsname *uts)
{
	return answer_pack("[{s:s, s:s, s:{s:o, s:o, s:s, s:s, s:s, s:o, s:s}}]", "Name", "Engine",
			   "Version", BERTH_VERSION, "Details", "ApiVersion",
			   api_version(API_VERSION_MAX), "MinAPIVersion",
			   api_version(API_VERSION_MIN), "Os", platform->os, "Arch",
			   platform->architecture, "KernelVersion", uts->release, "BuildTime",
			   build_time(), "Experimental", "false");
}

void on_version(struct request *request)
{
	struct platform platform;
	struct utsname uts;

	platform_current(&platform);
	uname(&uts);
	reply_json(request, 200,
		   answer_pack(
			   "{s:{s:s}, s:o, s:s, s:o, s:o, s:s, s:s, s:s, s:s, s:s, s:o}", "Platform",
			   "Name", "berth", "Components", components_json(&platform, &uts), "Version",
			   BERTH_VERSION, "ApiVersion", api_version(API_VERSION_MAX),
			   "MinAPIVersion", api_version(API_VERSION_MIN), "GitCommit", "",
			   "GoVersion", "", "Os", platform.os, "Arch", platform.architecture,
			   "KernelVersion", uts.release, "BuildTime", build_time()));
}

struct counts {
	int all, running, paused, stopped;
};

static struct counts count_containers(const struct agent *agent)
{
	struct counts counts = { 0 };

	list_for_each(node, &agent->containers) {
		const struct container *container = list_entry(node, struct container, node);

		counts.all++;
		counts.running += container->state == CONTAINER_RUNNING;
		counts.paused += container->state == CONTAINER_PAUSED;
	}
	counts.stopped = counts.all - counts.running - counts.paused;
	return counts;
}

static size_t count_images(const struct agent *agent)
{
	struct image *images;
	size_t count;

	if (image_list(&agent->store, &images, &count, NULL) < 0)
		return 0;
	image_list_free(images, count);
	return count;
}

/* PRETTY_NAME="Debian GNU/Linux 12 (bookworm)" */
static json_t *operating_system(void)
{
	struct buf BUF_CLEANUP text = BUF_INIT;
	char *line, *rest;

	if (fd_read_file(AT_FDCWD, "/etc/os-release", &text, 16384) < 0 || !text.data)
		return answer_text("Linux");
	for (rest = text.data; (line = strsep(&rest, "\n"));) {
		if (strncmp(line, "PRETTY_NAME=", 12))
			continue;
		line += 12 + (line[12] == '"');
		line[strcspn(line, "\"")] = '\0';
		return answer_text(line);
	}
	return answer_text("Linux");
}

static const char *cgroup_version(void)
{
	struct cgroup cgroup;

	if (cgroup_init(&cgroup, "/", NULL) < 0)
		return "";
	return cgroup.mode == CGROUP_V2 ? "2" : cgroup.mode == CGROUP_V1 ? "1" : "";
}

static json_t *machine_json(const struct agent *agent)
{
	struct sysinfo memory = { 0 };
	struct utsname uts;

	sysinfo(&memory);
	uname(&uts);
	return answer_pack("{s:s, s:o, s:s, s:s, s:s, s:i, s:I, s:s, s:s, s:s, s:o}", "KernelVersion",
			   uts.release, "OperatingSystem", operating_system(), "OSVersion", "",
			   "OSType", "linux", "Architecture", uts.machine, "NCPU",
			   (int)sysconf(_SC_NPROCESSORS_ONLN), "MemTotal",
			   (json_int_t)memory.totalram * (json_int_t)memory.mem_unit, "CgroupDriver",
			   "cgroupfs", "CgroupVersion", cgroup_version(), "DockerRootDir",
			   agent->store.path, "SystemTime", answer_time(time_now_ns()));
}

static json_t *abilities_json(void)
{
	return answer_pack(
		"{s:b, s:b, s:b, s:b, s:b, s:b, s:b, s:b, s:b, s:{s:{s:s}}, s:s, s:s, s:b, s:{s:s, s:s, s:b, s:n}, s:{s:[s], s:[s,s,s], s:n, s:[s]}}",
		"MemoryLimit", 1, "SwapLimit", 1, "CpuCfsPeriod", 1, "CpuCfsQuota", 1, "CPUShares", 1,
		"PidsLimit", 1, "OomKillDisable", 0, "Debug", 0, "ExperimentalBuild", 0, "Runtimes",
		"berth", "path", "berth", "DefaultRuntime", "berth", "LoggingDriver", "local",
		"LiveRestoreEnabled", 1, "Swarm", "NodeID", "", "LocalNodeState", "inactive",
		"ControlAvailable", 0, "RemoteManagers", "Plugins", "Volume", "local", "Network",
		"bridge", "host", "null", "Authorization", "Log", "local");
}

void on_info(struct request *request)
{
	const struct agent *agent = request->agent;
	struct counts counts = count_containers(agent);
	json_t *warnings = answer_pack("[]");
	json_t *info;

	if (agent->config_error[0])
		json_array_append_new(warnings, answer_text(agent->config_error));
	info = answer_pack("{s:o, s:s, s:s, s:i, s:i, s:i, s:i, s:i, s:s, s:[[s,s]], s:[s], s:[], s:o}", "ID",
			   answer_text(agent->name), "Name", agent->name, "ServerVersion",
			   BERTH_VERSION, "Containers", counts.all, "ContainersRunning",
			   counts.running, "ContainersPaused", counts.paused, "ContainersStopped",
			   counts.stopped, "Images", (int)count_images(agent), "Driver", "overlay2",
			   "DriverStatus", "Backing Filesystem", "layers by diff ID",
			   "SecurityOptions", "name=no-new-privileges", "Labels", "Warnings",
			   warnings);
	json_object_update_new(info, machine_json(agent));
	json_object_update_new(info, abilities_json());
	reply_json(request, 200, info);
}
