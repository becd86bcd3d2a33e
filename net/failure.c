#include "net/failure.h"

int failure_of_status(int status)
{
	return status == 408 || status == 425 || status == 429 || (status >= 500 && status < 600) ?
		       FAILURE_RETRY : FAILURE_SERVER;
}

bool failure_may_pass(int code)
{
	switch (code) {
	case FAILURE_UNAUTHORIZED:
	case FAILURE_DENIED:
	case FAILURE_NOT_FOUND:
	case FAILURE_TLS:
	case FAILURE_DIGEST:
	case FAILURE_PLATFORM:
	case FAILURE_LIMIT:
	case FAILURE_SERVER:
	case -EMSGSIZE:
	case -E2BIG:
	case -EINVAL:
	case -ENOTSUP:
	case -ESPIPE:
		return false;
	}
	return true;
}

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
	case -ESPIPE: /* ranges */
		return "server";
	case FAILURE_RETRY:
		return "retry";
	}
	return "network";
}
