#include "agent/api/later.h"

#include <stdlib.h>

#include "lib/buf.h"

struct later {
	struct request *request; /* NULL: the client has gone */
};

static void client_has_gone(struct request *request)
{
	struct later *later = request->data;

	later->request = NULL;
}

struct later *later_new(struct request *request)
{
	struct later *later = xcalloc(1, sizeof(*later));

	later->request = request;
	request->data = later;
	request->release = client_has_gone;
	return later;
}

void later_done(const struct err *err, void *data)
{
	struct later *later = data;
	struct request *request = later->request;

	free(later);
	if (!request)
		return;
	request->release = NULL;
	if (err->code)
		reply_err(request, err);
	else
		reply_empty(request, 204);
}
