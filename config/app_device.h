/*
 * app_device - a device of the host that an app gets, as agent.ini and `berth device add` have it:
 *
 *	SOURCE[:PATH[:ACCESS]][:optional]
 *
 * SOURCE is a node, or a link to one such as /dev/serial/by-id/...; or usb:VENDOR:PRODUCT[:SERIAL], a USB device by its
 * IDs, for systems where nobody makes such links; then PATH must be there.
 */
#ifndef CONFIG_APP_DEVICE_H
#define CONFIG_APP_DEVICE_H

#include <stdbool.h>

#include "lib/err.h"

struct app_device {
	char *source;
	char *path; /* in the container */
	char permissions[4]; /* some of "rwm", in this order */
	bool optional; /* it may be plugged in later */
};

/* On error there is nothing to release. */
int app_device_parse(struct app_device *device, const char *text, struct err *err);
void app_device_release(struct app_device *device);

/* To be freed; parses to the same again. */
char *app_device_format(const struct app_device *device);

/* The parts of a usb: source. False for another one. */
struct usb_id {
	char vendor[5], product[5]; /* four hex digits in lower case, as sysfs has them */
	const char *serial; /* within the source; NULL: any */
};
bool app_device_usb(const char *source, struct usb_id *id);

#endif
