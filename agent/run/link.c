#include "agent/run/link.h"

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "lib/fd.h"

int link_loopback_up(struct err *err)
{
	/* A socket of any family will do: IPv4 may be missing in the kernel. */
	FD_CLEANUP int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = { .ifr_name = "lo" };

	if (sock < 0 || ioctl(sock, SIOCGIFFLAGS, &request) < 0)
		return err_sys(err, "find the loopback interface");
	request.ifr_flags = (short)(request.ifr_flags | IFF_UP);
	if (ioctl(sock, SIOCSIFFLAGS, &request) < 0)
		return err_sys(err, "bring the loopback interface up");
	return 0;
}
