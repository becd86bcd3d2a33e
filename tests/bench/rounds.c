/*
 * rounds - how long commands take, one after the other in each of many rounds, so that what else the
 * machine does falls on all alike. Commands are started directly, without a shell.
 *
 *	rounds COUNT < LINES
 *
 * A line is NAME | BEFORE | MEASURED | AFTER: words separated by blanks; BEFORE and AFTER may be
 * empty. All output of the commands is rounds' stderr. For each line prints, tab-separated,
 * NAME, the median in microseconds, the median of the ratios to the first line in the same round,
 * and the processor time of the command and its descendants that it waited for (not: of daemons);
 * NAME and "failed" if a command did. A first round is not counted.
 */
#include <errno.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/err.h"

#define LINES_MAX 16
#define WORDS_MAX 64
#define ROUNDS_MAX 10000
#define SETTLE_MS 50

enum part { NAME, BEFORE, MEASURED, AFTER, PARTS };

struct contestant {
	char *name;
	char *words[PARTS][WORDS_MAX];
	double *us, *cpu_us;
	bool failed;
};

static bool read_contestant(struct contestant *contestant, char *line)
{
	char *parts[PARTS], *save;

	line[strcspn(line, "\n")] = '\0';
	for (int i = 0; i < PARTS; i++) {
		parts[i] = line;
		line += strcspn(line, "|");
		if (!*line != (i == PARTS - 1))
			return false;
		*line++ = '\0';
	}
	contestant->name = xstrdup(strtok_r(parts[NAME], " ", &save) ?: "");
	for (int i = BEFORE; i < PARTS; i++) {
		int count = 0;

		for (char *word = strtok_r(parts[i], " ", &save); word;
		     word = strtok_r(NULL, " ", &save)) {
			if (count == WORDS_MAX - 1)
				return false;
			contestant->words[i][count++] = xstrdup(word);
		}
	}
	return *contestant->name && contestant->words[MEASURED][0];
}

static double now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static double us_of(struct timeval time)
{
	return (double)time.tv_sec * 1e6 + (double)time.tv_usec;
}

/*
 * What a command leaves to the kernel to do later (namespaces, RCU callbacks) is not the next one's
 * cost; nor is it a gain that a lock is still in the state for frequent writers, which moving a
 * process to a cgroup of v1 waits a whole grace period for.
 */
static void settle(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = SETTLE_MS * 1000000L }, NULL);
}

/* Its output goes where ours would: a line of results must not have anything between. */
static bool command(char **words, struct rusage *usage)
{
	posix_spawn_file_actions_t actions;
	int status = 0, rc;
	pid_t pid;

	if (!words[0])
		return true;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", 0, 0);
	posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
	rc = posix_spawnp(&pid, words[0], &actions, NULL, words, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (rc) {
		fprintf(stderr, "rounds: %s: %s\n", words[0], strerror(rc));
		return false;
	}
	while (wait4(pid, &status, 0, usage) < 0 && errno == EINTR)
		;
	return !status;
}

static void take_turn(struct contestant *contestant, int round)
{
	struct rusage usage = { 0 }, unused;
	double begin;
	bool good = command(contestant->words[BEFORE], &unused);

	settle();
	begin = now_us();
	good = good && command(contestant->words[MEASURED], &usage);
	contestant->us[round] = now_us() - begin;
	contestant->cpu_us[round] = us_of(usage.ru_utime) + us_of(usage.ru_stime);
	if (!command(contestant->words[AFTER], &unused) || !good) {
		fprintf(stderr, "rounds: %s failed in round %d\n", contestant->name, round);
		contestant->failed = true;
	}
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The first one was for warming up. */
static double median(const double *values, int count)
{
	double *sorted = xmalloc((size_t)count * sizeof(*sorted)), result;

	memcpy(sorted, values, (size_t)count * sizeof(*sorted));
	qsort(sorted, (size_t)count, sizeof(*sorted), compare);
	result = sorted[count / 2];
	free(sorted);
	return result;
}

static void print(const struct contestant *contestant, const struct contestant *first, int count)
{
	double *ratios = xmalloc((size_t)count * sizeof(*ratios));

	for (int i = 0; i < count; i++)
		ratios[i] = contestant->us[i + 1] / first->us[i + 1];
	if (contestant->failed)
		printf("%s\tfailed\n", contestant->name);
	else
		printf("%s\t%.0f\t%.2f\t%.0f\n", contestant->name,
		       median(contestant->us + 1, count), median(ratios, count),
		       median(contestant->cpu_us + 1, count));
	free(ratios);
}

int main(int argc, char **argv)
{
	static struct contestant contestants[LINES_MAX];
	int rounds = argc == 2 ? atoi(argv[1]) : 0, count = 0;
	char line[8192];

	if (rounds < 1 || rounds > ROUNDS_MAX) {
		fprintf(stderr, "usage: rounds COUNT < LINES\n");
		return 2;
	}
	while (count < LINES_MAX && fgets(line, sizeof(line), stdin)) {
		if (!read_contestant(&contestants[count], line)) {
			fprintf(stderr, "rounds: line %d is not NAME | BEFORE | MEASURED | AFTER\n",
				count + 1);
			return 2;
		}
		contestants[count].us = xcalloc((size_t)rounds + 1, sizeof(double));
		contestants[count++].cpu_us = xcalloc((size_t)rounds + 1, sizeof(double));
	}
	for (int round = 0; round <= rounds; round++)
		for (int i = 0; i < count; i++)
			if (!contestants[i].failed)
				take_turn(&contestants[i], round);
	for (int i = 0; i < count; i++)
		print(&contestants[i], &contestants[0], rounds);
	return 0;
}
