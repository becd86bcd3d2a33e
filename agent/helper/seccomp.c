#include "agent/helper/seccomp.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "agent/helper/report.h"

#if defined(__x86_64__)
#define THIS_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define THIS_ARCH AUDIT_ARCH_AARCH64
#elif defined(__arm__)
#define THIS_ARCH AUDIT_ARCH_ARM
#endif

#define FIELD(name) ((uint32_t)offsetof(struct seccomp_data, name))
/* All three machines are little-endian: the lower half comes first. */
#define ARGUMENT(n) (FIELD(args) + 8 * (uint32_t)(n))

#define LOAD(offset) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset)
#define RETURN(action) BPF_STMT(BPF_RET | BPF_K, action)
#define SKIP_UNLESS(value, count) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, count)

/* --- the program --- */

struct program {
	struct sock_filter *at;
	size_t size;
};

static void add(struct program *program, struct sock_filter instruction)
{
	if (program->size < SECCOMP_PROGRAM_MAX)
		program->at[program->size] = instruction;
	program->size++;
}

static void add_rule(struct program *program, const struct seccomp_rule *rule)
{
	const uint32_t action = rule->refuse_with ? SECCOMP_RET_ERRNO | rule->refuse_with : SECCOMP_RET_ALLOW;

	if (rule->call == SECCOMP_ABSENT)
		return;
	if (!rule->mask) {
		add(program, (struct sock_filter)SKIP_UNLESS(rule->call, 1));
		add(program, (struct sock_filter)RETURN(action));
		return;
	}
	add(program, (struct sock_filter)SKIP_UNLESS(rule->call, 5));
	add(program, (struct sock_filter)LOAD(ARGUMENT(rule->argument)));
	add(program, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, rule->mask));
	add(program, (struct sock_filter)SKIP_UNLESS(rule->value, 1));
	add(program, (struct sock_filter)RETURN(action));
	add(program, (struct sock_filter)LOAD(FIELD(nr)));
}

int seccomp_compile(const struct seccomp_list *list, struct sock_filter program[static SECCOMP_PROGRAM_MAX])
{
	struct program filter = { .at = program };

	/* The numbers mean something else in another architecture's calls: int 0x80 on x86_64. */
	add(&filter, (struct sock_filter)LOAD(FIELD(arch)));
	add(&filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, THIS_ARCH, 1, 0));
	add(&filter, (struct sock_filter)RETURN(SECCOMP_RET_TRAP));
	add(&filter, (struct sock_filter)LOAD(FIELD(nr)));
	for (size_t i = 0; i < list->count; i++)
		add_rule(&filter, &list->rules[i]);
	add(&filter, (struct sock_filter)RETURN(SECCOMP_RET_TRAP));
	return filter.size > SECCOMP_PROGRAM_MAX ? -E2BIG : (int)filter.size;
}

/* --- the end of a process that it stopped --- */

static size_t append_number(char *to, unsigned int number)
{
	char digits[12];
	size_t count = 0;

	do
		digits[count++] = (char)('0' + number % 10);
	while (number /= 10);
	for (size_t i = 0; i < count; i++)
		to[i] = digits[count - 1 - i];
	return count;
}

/*
 * The call wasn't made. That this handler runs in a process which may be taken over is no loss: it
 * can only do what the filter allows anyway, and the handler can't be replaced.
 */
static void tell_and_die(int signal, siginfo_t *info, void *context)
{
	static const char begin[] = "\n{\"error\":\"killed by its system-call filter (call ";
	static const char end[] = ")\",\"code\":\"" SECCOMP_CODE "\"}\n";
	char line[sizeof(begin) + sizeof(end) + 16];
	size_t size = sizeof(begin) - 1;

	(void)signal, (void)context;
	memcpy(line, begin, size);
	size += append_number(line + size, (unsigned int)info->si_syscall);
	memcpy(line + size, end, sizeof(end) - 1);
	size += sizeof(end) - 1;
	if (write(REPORT_FD, line, size) < 0)
		size = 0; /* then it dies unheard */
	/* A second one, with SIGSYS blocked as it is in its handler, kills at once. */
	syscall(SYS_reboot, 0, 0, 0, 0);
	_exit(128 + SIGSYS);
}

/* --- entering --- */

bool seccomp_is_there(void)
{
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL) < 0 && errno == EFAULT;
}

int seccomp_enter(const struct seccomp_list *list, struct err *err)
{
	const struct sigaction on_violation = { .sa_sigaction = tell_and_die, .sa_flags = SA_SIGINFO };
	struct sock_filter instructions[SECCOMP_PROGRAM_MAX];
	struct sock_fprog program = { .filter = instructions };
	int size = seccomp_compile(list, instructions);

	if (size < 0)
		return err_set(err, size, "the list of system calls is too long");
	if (!seccomp_is_there())
		return 0;
	program.len = (unsigned short)size;
	if (sigaction(SIGSYS, &on_violation, NULL) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		return err_sys(err, "filter system calls");
	return 0;
}
