/*
 * device_find - which node of the host a device of an app is now (config/app_device.h): a path, through links, or a USB
 * device by its IDs, looked up in sysfs. Of a USB device with several nodes it is the serial port, else the first
 * of another kind, else the one of the device as a whole.
 */
#ifndef AGENT_DEVICE_FIND_H
#define AGENT_DEVICE_FIND_H

#include <limits.h>
#include <sys/stat.h>

#include "lib/err.h"

/* The node's path on the host, and stat() of it. -ENOENT: it isn't plugged in. */
int device_find(const char *source, char path[static PATH_MAX], struct stat *st, struct err *err);

/* The name below /dev of a USB device ("ttyUSB0", "bus/usb/001/004"); `sysfs` is /sys. -ENOENT. */
int device_find_usb(const char *sysfs, const char *source, char name[static NAME_MAX + 1]);

#endif
