/*
 * route - which handler answers a request: a const table, first match wins.
 *
 * A pattern is literal but for at most one "*", which stands for a container or image name. It
 * takes slashes in too ("host/repo:tag" in "/images/host/repo:tag/json"), since clients send
 * image names as they are.
 */
#ifndef AGENT_API_ROUTE_H
#define AGENT_API_ROUTE_H

#define ROUTE_NAME_MAX 511

struct request;

struct route {
	const char *method; /* a GET route answers HEAD as well */
	const char *pattern;
	void (*handler)(struct request *request); /* NULL: a call of Docker's that berth knows and does not offer: 501 */
	const char *instead;			  /* then what a person can do in its place; NULL: nothing */
};

/* Ends with a route without a pattern. */
extern const struct route api_routes[];

/* NULL when nothing matches. What "*" stood for is copied to `name` ("" when the pattern has none). */
const struct route *route_find(const struct route *routes, const char *method, const char *path,
			       char name[static ROUTE_NAME_MAX + 1]);

#endif
