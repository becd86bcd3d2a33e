/*
 * device_find - which node of the host a device of an app is now (config/app_device.h): a path, through links, or a USB
 * device by its IDs, looked up in sysfs. Of a USB device with several nodes it is the serial port, else the first
 * of another kind. The node of the device as a whole, which is there before any driver is, it is for a path below
 * /dev/bus/usb, and for no other.
 */
#ifndef AGENT_CONTAINER_DEVICE_FIND_H
#define AGENT_CONTAINER_DEVICE_FIND_H

#include <limits.h>
#include <sys/stat.h>

#include "config/app_device.h"
#include "lib/err.h"

/* The node's path on the host, and stat() of it. -ENOENT: it isn't plugged in. */
int device_find(const struct app_device *device, char path[static PATH_MAX], struct stat *st, struct err *err);

/* The name below /dev of a USB device ("ttyUSB0", "bus/usb/001/004"); `sysfs` is /sys. -ENOENT. */
int device_find_usb(const char *sysfs, const char *source, bool whole, char name[static NAME_MAX + 1]);

#endif
