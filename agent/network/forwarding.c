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

/* Sets it unless it has that value, or one that is more. */
static int raise(const char *path, int wanted, const char *text, struct buf *told, struct err *err)
{
	int64_t value = 0;
	int rc = fd_read_number(AT_FDCWD, path, &value);

	if (!rc && value >= wanted)
		return 0;
	if (!rc)
		rc = fd_write_file(AT_FDCWD, path, text);
	if (rc < 0)
		return err_code(err, rc, "set %s to %s", path, text);
	buf_append_format(told, "%s is %s now: containers' packets are forwarded\n", path + strlen("/proc/sys/"), text);
	return 0;
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

static int forward_ipv6(struct buf *told, struct err *err)
{
	int64_t value = 0;
	int rc = fd_read_number(AT_FDCWD, SETTINGS "/ipv6/conf/all/forwarding", &value);

	if (!rc && value)
		return 0;
	rc = keep_all_listening(told, err);
	return rc ? rc : raise(SETTINGS "/ipv6/conf/all/forwarding", 1, "1", told, err);
}

int firewall_enable_forwarding(int family, struct buf *told, struct err *err)
{
	return family == IPV6 ? forward_ipv6(told, err) : raise(SETTINGS "/ipv4/ip_forward", 1, "1", told, err);
}
