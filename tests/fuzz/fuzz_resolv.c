/* The device's resolv.conf, which a DHCP server has written: a container's has whole lines, and none that it must not have. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/resolv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char *device, const struct app_network *network, bool is_apart)
{
	BUF_CLEANUP struct buf out = BUF_INIT, again = BUF_INIT;
	bool has_server = resolv_compose(&out, device, network, is_apart);

	if (out.size && out.data[out.size - 1] != '\n')
		abort();
	if (strlen(buf_text(&out)) != out.size || (has_server && !strstr(out.data, "nameserver")))
		abort();
	if (network->dns)
		return;
	/* What it has left it leaves the next time as well. */
	if (resolv_compose(&again, buf_text(&out), network, is_apart) != has_server || again.size > out.size)
		abort();
	if (is_apart && resolv_is_local(buf_text(&out)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char *servers[] = { "192.0.2.1", NULL }, *search[] = { "a.example", NULL };
	const struct app_network all = { .dns = servers, .dns_search = search, .dns_options = search };
	const struct app_network none = { .dns = NULL };
	char *device = malloc(size + 1);

	memcpy(device, data, size);
	device[size] = '\0';
	for (int is_apart = 0; is_apart < 2; is_apart++) {
		check(device, &none, is_apart);
		check(device, &all, is_apart);
	}
	free(device);
	return 0;
}
