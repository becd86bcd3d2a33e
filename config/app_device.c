#include "config/app_device.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/keys.h"
#include "lib/fd.h"

#define USB "usb:"
#define OPTIONAL ":optional"

/* Some of the letters rwm, each once, into the order of "rwm". */
static int parse_permissions(char permissions[4], const char *text, struct err *err)
{
	size_t used = 0;

	for (const char *letter = "rwm"; *letter; letter++)
		if (strchr(text, *letter))
			permissions[used++] = *letter;
	permissions[used] = 0;
	if (used == 0 || used != strlen(text))
		return err_set(err, -EINVAL, "a device's permissions are some of the letters rwm");
	return 0;
}

static bool take_hex(char digits[static 5], const char *text)
{
	for (int i = 0; i < 4; i++) {
		if (!isxdigit((unsigned char)text[i]))
			return false;
		digits[i] = (char)tolower((unsigned char)text[i]);
	}
	digits[4] = '\0';
	return true;
}

bool app_device_usb(const char *source, struct usb_id *id)
{
	const char *at = source + strlen(USB);

	*id = (struct usb_id){ 0 };
	if (strncmp(source, USB, strlen(USB)) || !take_hex(id->vendor, at) || at[4] != ':' ||
	    !take_hex(id->product, at + 5))
		return false;
	at += 9;
	if (at[0] == ':' && at[1])
		id->serial = at + 1;
	return !*at || id->serial;
}

/* The ':' behind the source, or NULL. A serial number may have some, too. */
static char *end_of_source(char *text)
{
	return strncmp(text, USB, strlen(USB)) ? strchr(text, ':') : strstr(text, ":/");
}

static int set_source(struct app_device *device, const char *text, bool has_path, struct err *err)
{
	struct usb_id id;

	if (strncmp(text, USB, strlen(USB)))
		return key_set_path(&device->source, text, err);
	if (!app_device_usb(text, &id) || !has_path)
		return err_set(err, -EINVAL, "not a USB device; use usb:VENDOR:PRODUCT[:SERIAL]:/PATH "
					     "such as usb:0403:6001:/dev/ttyUSB0");
	device->source = xstrdup(text);
	return 0;
}

static int parse(struct app_device *device, char *text, struct err *err)
{
	size_t size = strlen(text), optional = strlen(OPTIONAL);
	char *path, *permissions = NULL;

	if (size > optional && !strcmp(text + size - optional, OPTIONAL)) {
		device->optional = true;
		text[size - optional] = '\0';
	}
	path = end_of_source(text);
	if (path)
		*path++ = '\0';
	if (path && (permissions = strchr(path, ':')))
		*permissions++ = '\0';
	if (parse_permissions(device->permissions, permissions ? permissions : "rwm", err) < 0 ||
	    set_source(device, text, path, err) < 0 ||
	    key_set_path(&device->path, path ? path : text, err) < 0)
		return -EINVAL;
	if (!strcmp(device->path, "/"))
		return err_set(err, -EINVAL, "a device cannot be the container's /");
	return 0;
}

int app_device_parse(struct app_device *device, const char *text, struct err *err)
{
	FREE_CLEANUP char *copy = xstrdup(text);
	int rc;

	*device = (struct app_device){ 0 };
	rc = parse(device, copy, err);
	if (rc < 0)
		app_device_release(device);
	return rc;
}

void app_device_release(struct app_device *device)
{
	free(device->source);
	free(device->path);
}

char *app_device_format(const struct app_device *device)
{
	return xasprintf("%s:%s:%s%s", device->source, device->path, device->permissions,
			 device->optional ? OPTIONAL : "");
}
