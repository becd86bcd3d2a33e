#include "agent/run/caps.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/capname.h"

static bool is_in(uint64_t set, int number)
{
	return set >> number & 1;
}

int caps_limit(const struct caps *caps, struct err *err)
{
	/* The kernel answers EINVAL past the last capability it knows. */
	for (int i = 0; i < 64; i++) {
		int held = prctl(PR_CAPBSET_READ, i, 0, 0, 0);

		if (held < 0)
			break;
		if (held && !is_in(caps->bounding, i) && prctl(PR_CAPBSET_DROP, i, 0, 0, 0) < 0)
			return err_sys(err, "drop %s from the bounding set",
				       cap_name(i) ?: "a capability");
	}
	return 0;
}

int caps_keep(struct err *err)
{
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return err_sys(err, "keep capabilities over the change of user");
	return 0;
}

static int get(struct __user_cap_data_struct data[static 2])
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };

	return (int)syscall(SYS_capget, &header, data);
}

static int set(const struct caps *caps)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	for (int i = 0; i < 2; i++)
		data[i] = (struct __user_cap_data_struct){
			.effective = (uint32_t)(caps->effective >> 32 * i),
			.permitted = (uint32_t)(caps->permitted >> 32 * i),
			.inheritable = (uint32_t)(caps->inheritable >> 32 * i),
		};
	return (int)syscall(SYS_capset, &header, data);
}

/* A set was asked for that follows from the others: leave out what isn't in reach. */
static struct caps attainable(const struct caps *caps, uint64_t held)
{
	struct caps can = { .permitted = caps->permitted & held };

	can.effective = caps->effective & can.permitted;
	/* Without CAP_SETPCAP a process can make inheritable only what it holds. */
	can.inheritable = caps->inheritable & held & caps->bounding;
	can.ambient = caps->ambient & can.permitted & can.inheritable;
	return can;
}

static int raise_ambient(uint64_t ambient, struct err *err)
{
	/* Before 4.3 there are no ambient capabilities; then there is nothing to clear either. */
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 &&
	    (errno != EINVAL || ambient))
		return err_sys(err, "clear ambient capabilities");
	for (int i = 0; cap_name(i); i++)
		if (is_in(ambient, i) && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i, 0, 0) < 0)
			return err_sys(err, "raise ambient %s", cap_name(i));
	return 0;
}

int caps_reach(const struct caps *caps, struct caps *can, struct err *err)
{
	struct __user_cap_data_struct data[2] = { 0 };

	if (get(data) < 0)
		return err_sys(err, "read capabilities");
	*can = attainable(caps, data[0].permitted | (uint64_t)data[1].permitted << 32);
	return 0;
}

int caps_set(const struct caps *can, struct err *err)
{
	return set(can) < 0 ? err_sys(err, "set capabilities") : 0;
}

int caps_apply(const struct caps *caps, struct err *err)
{
	struct caps can;
	int rc = caps_reach(caps, &can, err);

	if (!rc)
		rc = caps_set(&can, err);
	return rc ?: raise_ambient(can.ambient, err);
}
