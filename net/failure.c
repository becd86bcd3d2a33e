#include "net/failure.h"

const char *failure_name(int code)
{
	switch (code) {
	case FAILURE_UNAUTHORIZED:
		return "unauthorized";
	case FAILURE_DENIED:
		return "denied";
	case FAILURE_NOT_FOUND:
		return "not-found";
	case FAILURE_TLS:
		return "tls";
	case FAILURE_DIGEST:
		return "digest";
	case FAILURE_PLATFORM:
		return "platform";
	case FAILURE_LIMIT:
	case -EMSGSIZE: /* HTTP heads */
	case -E2BIG:	/* manifests */
		return "limit";
	case FAILURE_SERVER:
	case -EPROTO:  /* HTTP grammar */
	case -EINVAL:  /* documents */
	case -ENOTSUP:
		return "server";
	case FAILURE_RETRY:
		return "retry";
	}
	return "network";
}
