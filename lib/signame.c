#include "lib/signame.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define RT_MIN 34 /* what glibc and every shell call SIGRTMIN; musl keeps one more for itself */
#define RT_MAX 64

static const struct {
	char name[10];
	unsigned char number;
} signals[] = {
	{ "SIGHUP", SIGHUP },	    { "SIGINT", SIGINT },	{ "SIGQUIT", SIGQUIT },
	{ "SIGILL", SIGILL },	    { "SIGTRAP", SIGTRAP },	{ "SIGABRT", SIGABRT },
	{ "SIGBUS", SIGBUS },	    { "SIGFPE", SIGFPE },	{ "SIGKILL", SIGKILL },
	{ "SIGUSR1", SIGUSR1 },	    { "SIGSEGV", SIGSEGV },	{ "SIGUSR2", SIGUSR2 },
	{ "SIGPIPE", SIGPIPE },	    { "SIGALRM", SIGALRM },	{ "SIGTERM", SIGTERM },
	{ "SIGCHLD", SIGCHLD },	    { "SIGCONT", SIGCONT },	{ "SIGSTOP", SIGSTOP },
	{ "SIGTSTP", SIGTSTP },	    { "SIGTTIN", SIGTTIN },	{ "SIGTTOU", SIGTTOU },
	{ "SIGURG", SIGURG },	    { "SIGXCPU", SIGXCPU },	{ "SIGXFSZ", SIGXFSZ },
	{ "SIGVTALRM", SIGVTALRM }, { "SIGPROF", SIGPROF },	{ "SIGWINCH", SIGWINCH },
	{ "SIGIO", SIGIO },	    { "SIGPWR", SIGPWR },	{ "SIGSYS", SIGSYS },
#ifdef SIGSTKFLT
	{ "SIGSTKFLT", SIGSTKFLT },
#endif
	{ "SIGIOT", SIGABRT },	    { "SIGPOLL", SIGIO },	{ "SIGCLD", SIGCHLD },
};

/* A whole decimal number, or -1. */
static long parse_number(const char *text)
{
	char *end;
	long number;

	if (*text < '0' || *text > '9')
		return -1;
	number = strtol(text, &end, 10);
	return *end || number > RT_MAX ? -1 : number;
}

static int parse_real_time(const char *name)
{
	long offset = 0;

	if (strncasecmp(name, "RTMIN", 5) && strncasecmp(name, "RTMAX", 5))
		return -EINVAL;
	if (name[5] == '+' || name[5] == '-')
		offset = parse_number(name + 6);
	else if (name[5])
		return -EINVAL;
	if (offset < 0 || offset > RT_MAX - RT_MIN)
		return -EINVAL;
	if (!strncasecmp(name, "RTMIN", 5))
		return name[5] == '-' ? -EINVAL : RT_MIN + (int)offset;
	return name[5] == '+' ? -EINVAL : RT_MAX - (int)offset;
}

int signal_parse(const char *text)
{
	long number = parse_number(text);

	if (number > 0)
		return (int)number;
	if (!strncasecmp(text, "SIG", 3))
		text += 3;
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		if (!strcasecmp(text, signals[i].name + 3))
			return signals[i].number;
	return parse_real_time(text);
}

const char *signal_name(int number)
{
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		if (signals[i].number == number)
			return signals[i].name;
	return NULL;
}
