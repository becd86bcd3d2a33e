/* A proxy's URL, up to the first NUL; behind it a no_proxy list. */
#include <stdlib.h>
#include <string.h>

#include "config/proxy.h"
#include "net/url.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void check(const struct proxy *proxy)
{
	struct url url;

	if (url_from_authority(&url, false, proxy->address, "/", NULL) == 0)
		url_release(&url); /* not every registry's name is one: "[::::]:1" */
	if (strchr(proxy->user, ':'))
		abort();
	for (const char *c = proxy->user; *c; c++)
		if ((unsigned char)*c < ' ')
			abort();
	for (const char *c = proxy->password; *c; c++)
		if ((unsigned char)*c < ' ')
			abort();
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	const char *text = (const char *)data;
	size_t first = size ? strnlen(text, size) : 0;
	struct proxy proxy;
	struct err err = ERR_INIT;

	if (proxy_parse(&proxy, text, first, &err) == 0)
		check(&proxy);
	if (first == size)
		return 0;
	proxy_is_exempt(text + first + 1, size - first - 1, "a.example.com", 443);
	proxy_is_exempt(text + first + 1, size - first - 1, "10.1.2.3", 5000);
	proxy_is_exempt(text + first + 1, size - first - 1, "fd00::1", 80);
	return 0;
}
