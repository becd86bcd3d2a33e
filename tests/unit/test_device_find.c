/* USB devices in a tree like sysfs. */
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/container/device_find.h"
#include "config/app_device.h"
#include "lib/fd.h"
#include "tests/unit/scratch.h"

static void put(const char *dir, const char *file, const char *text)
{
	int fd;

	CHECK_INT(fd_make_dirs(dir, 0755), 0);
	FREE_CLEANUP char *path = xasprintf("%s/%s", dir, file);

	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	CHECK_INT(fd_write_full(fd, text, strlen(text)), 0);
	close(fd);
}

static void usb(const char *dir, const char *vendor, const char *product, const char *serial)
{
	put(dir, "idVendor", vendor);
	put(dir, "idProduct", product);
	if (serial)
		put(dir, "serial", serial);
}

static void node(const char *kind, const char *number, const char *device, const char *name)
{
	FREE_CLEANUP char *dir = xasprintf("sys/%s", device);
	FREE_CLEANUP char *uevent = xasprintf("MAJOR=1\nDEVNAME=%s\n", name);
	FREE_CLEANUP char *target = xasprintf("../../%s", device);
	FREE_CLEANUP char *links = xasprintf("sys/dev/%s", kind);
	FREE_CLEANUP char *link = xasprintf("%s/%s", links, number);

	put(dir, "uevent", uevent);
	fd_make_dirs(links, 0755);
	CHECK_INT(symlink(target, link), 0);
}

static void found(const char *source, const char *wanted)
{
	char name[NAME_MAX + 1] = "";

	CHECK_INT(device_find_usb("sys", source, false, name), *wanted ? 0 : -ENOENT);
	CHECK_TEXT(name, wanted);
}

static void usb_devices_are_found(void)
{
	char name[NAME_MAX + 1];
	struct scratch scratch;

	scratch_open(&scratch);
	CHECK_INT(chdir(scratch.path), 0);
	usb("sys/devices/usb1/1-1", "0403\n", "6001\n", "A1:x\n");
	usb("sys/devices/usb1/1-2", "0403\n", "6001\n", "B2\n");
	usb("sys/devices/usb1/1-3", "1d6b\n", "0104\n", NULL);
	node("char", "189:1", "devices/usb1/1-1", "bus/usb/001/002");
	node("char", "188:10", "devices/usb1/1-1/1-1:1.0/ttyUSB10/tty/ttyUSB10", "ttyUSB10");
	node("char", "188:9", "devices/usb1/1-1/1-1:1.1/ttyUSB9/tty/ttyUSB9", "ttyUSB9");
	node("char", "188:0", "devices/usb1/1-2/1-2:1.0/ttyUSB0/tty/ttyUSB0", "ttyUSB0");
	node("char", "189:3", "devices/usb1/1-3", "bus/usb/001/004");
	node("block", "8:0", "devices/usb1/1-3/1-3:1.0/host0/block/sda", "sda");
	node("char", "4:64", "devices/platform/serial/tty/ttyS0", "ttyS0");
	found("usb:0403:6001", "ttyUSB0");
	found("usb:0403:6001:A1:x", "ttyUSB9");
	found("usb:0403:6001:B2", "ttyUSB0");
	found("usb:0403:6001:B", "");
	found("usb:0403:6002", "");
	found("usb:1D6B:0104", "sda");
	CHECK_INT(unlink("sys/dev/block/8:0"), 0);
	found("usb:1d6b:0104", ""); /* no driver, no node */
	CHECK_INT(device_find_usb("sys", "usb:1d6b:0104", true, name), 0);
	CHECK_TEXT(name, "bus/usb/001/004");
	CHECK_INT(device_find_usb("sys", "usb:0403:6001:B2", true, name), -ENOENT);
	CHECK_INT(chdir("/"), 0);
	scratch_close(&scratch);
}

static void check_form(const char *text, const char *wanted)
{
	struct app_device device;
	struct err err = ERR_INIT;

	if (app_device_parse(&device, text, &err) < 0) {
		CHECK_TEXT("", wanted);
		return;
	}
	FREE_CLEANUP char *form = app_device_format(&device);

	CHECK_TEXT(form, wanted);
	app_device_release(&device);
}

static void forms_are_read(void)
{
	check_form("/dev/ttyUSB0", "/dev/ttyUSB0:/dev/ttyUSB0:rwm");
	check_form("/dev/a:/dev/b:wr", "/dev/a:/dev/b:rw");
	check_form("/dev/a:optional", "/dev/a:/dev/a:rwm:optional");
	check_form("/dev/a:/dev/b:r:optional", "/dev/a:/dev/b:r:optional");
	check_form("usb:0403:6001:/dev/x", "usb:0403:6001:/dev/x:rwm");
	check_form("usb:0403:6001:A:1:/dev/x:rw:optional", "usb:0403:6001:A:1:/dev/x:rw:optional");
	check_form("usb:0403:6001", "");
	check_form("usb:0403:600:/dev/x", "");
	check_form("usb:0403:6001::/dev/x", "");
	check_form("usb:zzzz:6001:/dev/x", "");
	check_form("usb:/dev/x", "");
	check_form(":optional", "");
	check_form("/dev/a:/:r", "");
	check_form("/dev/a:/dev/b:x", "");
	check_form("a", "");
}

int main(void)
{
	RUN(usb_devices_are_found);
	RUN(forms_are_read);
	return test_end();
}
