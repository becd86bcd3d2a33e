/*
 * failure - what kind of trouble a talk with a registry ended in, for whoever decides what to do
 * next: trying again helps against a broken network, not against a wrong password.
 *
 * The kinds travel as error codes. Every other negative errno value is the network's (connection
 * refused, time-out, unreachable...).
 */
#ifndef NET_FAILURE_H
#define NET_FAILURE_H

#include <errno.h>
#include <stdbool.h>

enum {
	FAILURE_UNAUTHORIZED = -EACCES,	  /* credentials are missing or wrong (401) */
	FAILURE_DENIED = -EPERM,	  /* known, but not allowed (403) */
	FAILURE_NOT_FOUND = -ENOENT,	  /* no such tag, digest or repository (404) */
	FAILURE_TLS = -EKEYREJECTED,	  /* certificate, name or protocol */
	FAILURE_DIGEST = -EBADMSG,	  /* the bytes are not the ones that were asked for */
	FAILURE_PLATFORM = -ENOEXEC,	  /* nothing in the image for this machine */
	FAILURE_LIMIT = -EFBIG,		  /* larger than anything sensible */
	FAILURE_SERVER = -EREMOTEIO,	  /* the registry's answer makes no sense, or is an error of ours (4xx) */
	FAILURE_RETRY = -EBUSY,		  /* the registry asks for patience (429), or is not well (5xx) */
};

/* FAILURE_RETRY or FAILURE_SERVER, for a status that means nothing more special. */
int failure_of_status(int status);

/*
 * May the same request, sent again soon, work? True for everything of the network's, for FAILURE_RETRY, and for
 * an answer that is no HTTP (-EPROTO): a link may garble one.
 */
bool failure_may_pass(int code);

/* "unauthorized", ..., "network": the `code` that fetch reports. */
const char *failure_name(int code);

#endif
