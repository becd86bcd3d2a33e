/* Settings of the kernel that forwarding needs (Documentation/networking/ip-sysctl.rst). */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/network/firewall_parts.h"
#include "lib/fd.h"

#define SETTINGS "/proc/sys/net"

static const char *const switches[IP_FAMILIES] = {
	[IPV4] = SETTINGS "/ipv4/ip_forward",
	[IPV6] = SETTINGS "/ipv6/conf/all/forwarding",
};

static bool is_on(int dirfd, const char *path)
{
	int64_t value;

	return fd_read_number(dirfd, path, &value) == 0 && value;
}

/* By IPv4 each interface has a switch, which may have been set alone. */
static bool forwards_somewhere(void)
{
	DIR *dir = opendir(SETTINGS "/ipv4/conf");
	char path[NAME_MAX + 16];
	bool found = false;

	if (!dir)
		return false;
	for (struct dirent *entry; !found && (entry = readdir(dir));) {
		snprintf(path, sizeof(path), "%s/forwarding", entry->d_name);
		found = *entry->d_name != '.' && is_on(dirfd(dir), path);
	}
	closedir(dir);
	return found;
}

bool firewall_forwards(int family)
{
	return is_on(AT_FDCWD, switches[family]) || (family == IPV4 && forwards_somewhere());
}

/* An interface that listens to router advertisements as a host goes on doing so as a router. */
static void keep_listening(int conf, const char *name, struct buf *told)
{
	char path[NAME_MAX + 16];
	int64_t value = 0;

	snprintf(path, sizeof(path), "%s/accept_ra", name);
	if (fd_read_number(conf, path, &value) < 0 || value != 1 || fd_write_file(conf, path, "2") < 0)
		return;
	buf_append_format(told, "net/ipv6/conf/%s is 2 now: the device goes on accepting router advertisements\n", path);
}

static int keep_all_listening(struct buf *told, struct err *err)
{
	DIR *dir = opendir(SETTINGS "/ipv6/conf");

	if (!dir)
		return err_sys(err, "open " SETTINGS "/ipv6/conf");
	/* "all" is only a way to set the others. */
	for (struct dirent *entry; (entry = readdir(dir));)
		if (*entry->d_name != '.' && strcmp(entry->d_name, "all") && strcmp(entry->d_name, "lo"))
			keep_listening(dirfd(dir), entry->d_name, told);
	closedir(dir);
	return 0;
}

int firewall_enable_forwarding(int family, struct buf *told, struct err *err)
{
	int rc = 0;

	if (is_on(AT_FDCWD, switches[family]))
		return 0;
	if (family == IPV6)
		rc = keep_all_listening(told, err);
	if (!rc)
		rc = fd_write_file(AT_FDCWD, switches[family], "1");
	if (rc < 0)
		return err->code ? rc : err_code(err, rc, "set %s to 1", switches[family]);
	buf_append_format(told, "%s is 1 now: containers' packets are forwarded, others dropped\n", switches[family] + strlen("/proc/sys/"));
	return 0;
}

int firewall_disable_forwarding(int family, struct err *err)
{
	int rc = fd_write_file(AT_FDCWD, switches[family], "0");

	return rc < 0 ? err_code(err, rc, "set %s to 0", switches[family]) : 0;
}
