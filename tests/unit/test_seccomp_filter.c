/*
 * Profiles as filters: what an interpreter makes of them is compared with the profile's meaning, read anew
 * and slowly, and with what libseccomp makes of the same rules. On the numbers of all machines of a family.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/run/seccomp_filter.h"
#include "lib/json.h"
#include "tests/unit/bpf_run.h"
#include "tests/unit/test.h"

#define NUMBERS 600 /* from 0, and the same above SYSCALL_X32 and ARM's own */
#define KERNEL 0x60000

#define CAP(name) (UINT64_C(1) << CAP_##name)
#define EPERM_ACTION (SECCOMP_RET_ERRNO | EPERM)

#if defined(__x86_64__)
static const struct {
	uint32_t audit, token, base;
} machines[MACHINES] = {
	[MACHINE_X86_64] = { AUDIT_ARCH_X86_64, SCMP_ARCH_X86_64, 0 },
	[MACHINE_X86] = { AUDIT_ARCH_I386, SCMP_ARCH_X86, 0 },
	[MACHINE_X32] = { AUDIT_ARCH_X86_64, SCMP_ARCH_X32, SYSCALL_X32 },
};
#define IS_NARROW(machine) ((machine) == MACHINE_X86)
#else
static const struct {
	uint32_t audit, token, base;
} machines[MACHINES] = {
	[MACHINE_AARCH64] = { AUDIT_ARCH_AARCH64, SCMP_ARCH_AARCH64, 0 },
	[MACHINE_ARM] = { AUDIT_ARCH_ARM, SCMP_ARCH_ARM, 0 },
};
#define IS_NARROW(machine) ((machine) == MACHINE_ARM)
#endif

/* Where values change their meaning. */
static const uint64_t values[] = {
	0, 1, 2, 8, 37, 38, 39, 40, 41, 0x20000, 0x20008, CLONE_PARENT, 0x10000000, 0x7e020000,
	0x7fffffff, 0x80000000, UINT32_MAX, 0x100000000, 0x100000026, 0x2000000000, UINT64_MAX,
};
#define VALUES (sizeof(values) / sizeof(*values))

/* --- the meaning ------------------------------------------------------------------------------ */

static bool holds(const struct call_condition *c, uint64_t argument, bool is_narrow)
{
	uint64_t mask = is_narrow || !(c->mask >> 32) ? c->mask & UINT32_MAX : c->mask;
	uint64_t value = mask >> 32 ? c->value : c->value & UINT32_MAX;

	argument &= mask;
	switch ((enum call_comparison)c->comparison) {
	case CALL_EQ: return argument == value;
	case CALL_NE: return argument != value;
	case CALL_LT: return argument < value;
	case CALL_LE: return argument <= value;
	case CALL_GT: return argument > value;
	case CALL_GE: return argument >= value;
	}
	return false;
}

static bool fits(const struct seccomp_profile *p, const struct call_rule *rule, enum machine machine,
		 const uint64_t *args)
{
	for (size_t i = 0; i < rule->condition_count; i++) {
		const struct call_condition *c = &p->conditions[rule->first_condition + i];

		if (!holds(c, args[c->argument], IS_NARROW(machine)))
			return false;
	}
	return true;
}

static uint32_t meaning(const struct seccomp_profile *p, enum machine machine, uint32_t number, const uint64_t *args)
{
	uint32_t kind = p->default_action & SECCOMP_RET_ACTION_FULL, first = 0, last = 0;
	bool is_permissive = kind == SECCOMP_RET_ALLOW || kind == SECCOMP_RET_LOG || kind == SECCOMP_RET_TRACE;
	bool found = false;

	for (size_t i = 0; i < p->rule_count; i++) {
		const struct call_rule *rule = &p->rules[i];
		uint32_t own = syscall_number(rule->call, machine);

		if (own != SYSCALL_NONE && own > last && (own >= 0xf0000) == (number >= 0xf0000))
			last = own;
		if (own != number || rule->action == p->default_action)
			continue;
		if (!rule->condition_count)
			return rule->action;
		if (!found && fits(p, rule, machine, args)) {
			first = rule->action;
			found = true;
		}
	}
	/* An unconditional one behind it would have returned. */
	if (found)
		return first;
	return number > last && p->rule_count && !is_permissive ? SECCOMP_RET_ERRNO | ENOSYS : p->default_action;
}

/* --- comparing -------------------------------------------------------------------------------- */

static uint32_t run(const struct seccomp_filter *filter, enum machine machine, uint32_t number, const uint64_t *args)
{
	struct seccomp_data data = { .nr = (int)number, .arch = machines[machine].audit };

	memcpy(data.args, args, sizeof(data.args));
	return bpf_run(filter->instructions, filter->size, &data);
}

static bool is_multiplexer(enum machine machine, uint32_t number)
{
#if defined(__x86_64__)
	return machine == MACHINE_X86 && (number == 102 || number == 117);
#else
	return (void)machine, (void)number, false;
#endif
}

static size_t compare_at(const struct seccomp_profile *p, const struct seccomp_filter *filter, enum machine machine,
			 uint32_t number)
{
	size_t wrong = 0;

	for (size_t i = 0; i < VALUES; i++) {
		uint64_t args[SECCOMP_ARGUMENTS] = { values[i], values[(i + 3) % VALUES], values[(i + 7) % VALUES],
						     values[i], values[VALUES - 1 - i], values[(i * 5) % VALUES] };

		/* As the kernel has the arguments of a 32-bit program. */
		for (size_t j = 0; j < SECCOMP_ARGUMENTS && IS_NARROW(machine); j++)
			args[j] &= UINT32_MAX;
		wrong += run(filter, machine, number, args) != meaning(p, machine, number, args);
	}
	return wrong;
}

static void compare_with_meaning(const struct seccomp_profile *p)
{
	struct seccomp_filter filter;
	struct err err = ERR_INIT;
	size_t wrong = 0;

	if (!CHECK_INT(seccomp_filter_build(&filter, p, &err), 0))
		return;
	for (int m = 0; m < MACHINES; m++)
		for (uint32_t n = 0; n < NUMBERS && p->machines[m]; n++)
			if (!is_multiplexer((enum machine)m, n))
				wrong += compare_at(p, &filter, (enum machine)m, n + machines[m].base);
#if !defined(__x86_64__)
	for (uint32_t n = 0xf0000; n < 0xf0010 && p->machines[MACHINE_ARM]; n++)
		wrong += compare_at(p, &filter, MACHINE_ARM, n);
#endif
	CHECK_INT(wrong, 0);
	seccomp_filter_release(&filter);
}

/* --- profiles --------------------------------------------------------------------------------- */

static struct seccomp_profile docker(uint64_t capabilities, uint32_t kernel)
{
	struct seccomp_profile profile = { 0 };

	seccomp_profile_docker(&profile, capabilities, kernel);
	return profile;
}

static void dockers_profile_is_what_it_says(void)
{
	static const uint64_t sets[] = { 0, CAP(SYS_ADMIN), CAP(SYS_PTRACE) | CAP(BPF), CAP(SYSLOG), UINT64_MAX };

	for (size_t i = 0; i < sizeof(sets) / sizeof(*sets); i++) {
		struct seccomp_profile profile = docker(sets[i], i % 2 ? 0x40700 : KERNEL);

		compare_with_meaning(&profile);
		seccomp_profile_release(&profile);
	}
}

static uint32_t pick(uint32_t *seed, uint32_t below)
{
	*seed = *seed * 1664525 + 1013904223;
	return (*seed >> 8) % below;
}

static struct seccomp_profile random_profile(uint32_t *seed)
{
	static const uint32_t actions[] = { SECCOMP_RET_ALLOW, EPERM_ACTION, SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_LOG,
					    SECCOMP_RET_ERRNO | 7, SECCOMP_RET_TRAP, SECCOMP_RET_TRACE | 3 };
	struct seccomp_profile profile = { .default_action = actions[pick(seed, 7)] };
	uint32_t rules = pick(seed, 3) ? pick(seed, 60) : pick(seed, 700);

	profile.machines[MACHINE_NATIVE] = true;
	for (int i = 0; i < MACHINES; i++)
		profile.machines[i] |= pick(seed, 2);
	for (uint32_t i = 0; i < rules; i++) {
		struct call_condition conditions[SECCOMP_ARGUMENTS];
		uint32_t count = pick(seed, 3) ? 0 : pick(seed, 4);

		for (uint32_t j = 0; j < count; j++) {
			static const uint64_t masks[] = { UINT64_MAX, UINT32_MAX, 0x7e020000, 0xff000000ff };

			conditions[j] = (struct call_condition){ .argument = (uint8_t)pick(seed, 6),
								 .comparison = (uint8_t)pick(seed, 6),
								 .mask = masks[pick(seed, 4)],
								 .value = values[pick(seed, VALUES)] };
		}
		seccomp_profile_add(&profile, (int)pick(seed, pick(seed, 2) ? 40 : (uint32_t)syscall_count()),
				    actions[pick(seed, 7)], conditions, count);
	}
	return profile;
}

static void any_profile_is_what_it_says(void)
{
	uint32_t seed = 1;

	for (int i = 0; i < 25; i++) {
		struct seccomp_profile profile = random_profile(&seed);

		compare_with_meaning(&profile);
		seccomp_profile_release(&profile);
	}
}

static void a_profile_without_rules_has_one_answer(void)
{
	struct seccomp_profile profile = { .default_action = SECCOMP_RET_ALLOW, .machines[MACHINE_NATIVE] = true };

	compare_with_meaning(&profile);
	profile.default_action = SECCOMP_RET_KILL_PROCESS;
	compare_with_meaning(&profile);
}

static void too_large_a_profile_is_refused(void)
{
	struct seccomp_profile profile = { .default_action = SECCOMP_RET_ALLOW, .machines[MACHINE_NATIVE] = true };
	struct call_condition condition = { .mask = UINT64_MAX };
	struct seccomp_filter filter;
	struct err err = ERR_INIT;

	for (uint32_t i = 0; i < 3000; i++) {
		condition.value = i;
		seccomp_profile_add(&profile, syscall_find("read"), EPERM_ACTION, &condition, 1);
	}
	CHECK_INT(seccomp_filter_build(&filter, &profile, &err), -E2BIG);
	CHECK_TEXT(err.text, "the seccomp profile makes a filter of more than 4096 instructions");
	seccomp_profile_release(&profile);
}

/* --- single answers --------------------------------------------------------------------------- */

static uint32_t ask(uint64_t capabilities, const char *name, uint64_t first)
{
	struct seccomp_profile profile = docker(capabilities, KERNEL);
	uint64_t args[SECCOMP_ARGUMENTS] = { first };
	struct seccomp_filter filter;
	uint32_t answer = 0;
	int call = syscall_find(name);

	if (CHECK(call >= 0) && CHECK_INT(seccomp_filter_build(&filter, &profile, NULL), 0)) {
		answer = run(&filter, MACHINE_NATIVE, syscall_number(call, MACHINE_NATIVE), args);
		seccomp_filter_release(&filter);
	}
	seccomp_profile_release(&profile);
	return answer;
}

static void apps_cannot_leave(void)
{
	static const char *const refused[] = {
		"unshare", "setns", "mount", "umount2", "pivot_root", "keyctl", "add_key", "request_key", "bpf",
		"perf_event_open", "io_uring_setup", "io_uring_enter", "io_uring_register", "userfaultfd",
		"kexec_load", "init_module", "finit_module", "open_by_handle_at", "reboot", "swapon", "acct",
		"quotactl", "settimeofday", "fsopen", "move_mount", "open_tree", "mount_setattr", "syslog",
		"process_madvise", "pidfd_getfd", "kcmp", "lookup_dcookie",
	};

	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
		if (!CHECK_INT(ask(0, refused[i], 0), EPERM_ACTION))
			fprintf(stderr, "%s\n", refused[i]);
	CHECK_INT(ask(0, "clone", CLONE_NEWUSER | 17), EPERM_ACTION);
	CHECK_INT(ask(0, "clone", UINT64_C(1) << 32 | CLONE_NEWNS), EPERM_ACTION);
	CHECK_INT(ask(0, "clone", CLONE_VM | CLONE_VFORK | 17), SECCOMP_RET_ALLOW);
	CHECK_INT(ask(0, "clone3", 0), SECCOMP_RET_ERRNO | ENOSYS);
	CHECK_INT(ask(0, "ptrace", 0), SECCOMP_RET_ALLOW);
	CHECK_INT(ask(0, "read", 0), SECCOMP_RET_ALLOW);
}

static void capabilities_open_what_belongs_to_them(void)
{
	CHECK_INT(ask(CAP(SYS_ADMIN), "mount", 0), SECCOMP_RET_ALLOW);
	CHECK_INT(ask(CAP(SYS_ADMIN), "clone", CLONE_NEWNS), SECCOMP_RET_ALLOW);
	CHECK_INT(ask(CAP(SYS_ADMIN), "clone3", 0), SECCOMP_RET_ALLOW);
	CHECK_INT(ask(CAP(BPF), "bpf", 0), SECCOMP_RET_ALLOW);
	CHECK_INT(ask(CAP(SYS_CHROOT), "chroot", 0), SECCOMP_RET_ALLOW);
	CHECK_INT(ask(CAP(SYSLOG), "mount", 0), EPERM_ACTION);
}

/* ARM's own numbers, which Docker's profile names, are far behind. */
static void newer_calls_are_unknown(void)
{
	struct seccomp_profile profile = docker(0, KERNEL);
	const uint64_t args[SECCOMP_ARGUMENTS] = { 0 };
	struct seccomp_filter filter;

	CHECK_INT(seccomp_filter_build(&filter, &profile, NULL), 0);
	for (int m = MACHINE_NATIVE; m < MACHINES; m++) {
		CHECK_INT(run(&filter, (enum machine)m, machines[m].base + NUMBERS, args), SECCOMP_RET_ERRNO | ENOSYS);
		CHECK_INT(run(&filter, (enum machine)m, machines[m].base + 0xeffff, args), SECCOMP_RET_ERRNO | ENOSYS);
		CHECK_INT(run(&filter, (enum machine)m, machines[m].base + 0xf0006, args), SECCOMP_RET_ERRNO | ENOSYS);
	}
#if !defined(__x86_64__)
	CHECK_INT(run(&filter, MACHINE_ARM, 0xf0003, args), EPERM_ACTION);
	CHECK_INT(run(&filter, MACHINE_ARM, 0xf0005, args), SECCOMP_RET_ALLOW);
#endif
	seccomp_filter_release(&filter);
	seccomp_profile_release(&profile);
}

/* More than Docker: the upper half of an int is nothing to the kernel, so nothing to the filter. */
static void an_int_has_32_bits(void)
{
	CHECK_INT(ask(0, "socket", 2), SECCOMP_RET_ALLOW);
	CHECK_INT(ask(0, "socket", 38), EPERM_ACTION);
	CHECK_INT(ask(0, "socket", 40), EPERM_ACTION);
	CHECK_INT(ask(0, "socket", UINT64_C(7) << 32 | 40), EPERM_ACTION);
	CHECK_INT(ask(0, "personality", 0x20008), SECCOMP_RET_ALLOW);
	CHECK_INT(ask(0, "personality", 0x40000), EPERM_ACTION);
}

static void other_machines_calls_end_the_thread(void)
{
	struct seccomp_profile profile = { .default_action = SECCOMP_RET_ALLOW, .machines[MACHINE_NATIVE] = true };
	uint64_t args[SECCOMP_ARGUMENTS] = { 0 };
	struct seccomp_data foreign = { .arch = AUDIT_ARCH_MIPS };
	struct seccomp_filter filter;

	seccomp_filter_build(&filter, &profile, NULL);
	for (int m = 0; m < MACHINES; m++)
		CHECK_INT(run(&filter, (enum machine)m, machines[m].base + 1, args),
			  m == (int)MACHINE_NATIVE ? SECCOMP_RET_ALLOW : SECCOMP_RET_KILL_THREAD);
	CHECK_INT(bpf_run(filter.instructions, filter.size, &foreign), SECCOMP_RET_KILL_THREAD);
	seccomp_filter_release(&filter);
}

#if defined(__x86_64__)
static uint32_t ask_x86(const struct seccomp_profile *profile, uint32_t number, uint64_t first)
{
	uint64_t args[SECCOMP_ARGUMENTS] = { first };
	struct seccomp_filter filter;
	uint32_t answer;

	seccomp_filter_build(&filter, profile, NULL);
	answer = run(&filter, MACHINE_X86, number, args);
	seccomp_filter_release(&filter);
	return answer;
}

static void a_multiplexer_is_no_way_around(void)
{
	struct seccomp_profile profile = { .default_action = SECCOMP_RET_ALLOW,
					   .machines = { true, true, true } };
	struct call_condition condition = { .mask = UINT64_MAX, .value = 38 };

	seccomp_profile_add(&profile, syscall_find("connect"), EPERM_ACTION, NULL, 0);
	seccomp_profile_add(&profile, syscall_find("socket"), EPERM_ACTION, &condition, 1);
	seccomp_profile_add(&profile, syscall_find("shmget"), EPERM_ACTION, NULL, 0);
	CHECK_INT(ask_x86(&profile, 102, 3), EPERM_ACTION);
	CHECK_INT(ask_x86(&profile, 102, 1), EPERM_ACTION);
	CHECK_INT(ask_x86(&profile, 102, 2), SECCOMP_RET_ALLOW);
	CHECK_INT(ask_x86(&profile, 117, 23), EPERM_ACTION);
	CHECK_INT(ask_x86(&profile, 117, 0x10017), EPERM_ACTION);
	CHECK_INT(ask_x86(&profile, 117, 22), SECCOMP_RET_ALLOW);
	CHECK_INT(ask_x86(&profile, 359, 38), EPERM_ACTION);
	CHECK_INT(ask_x86(&profile, 359, 2), SECCOMP_RET_ALLOW);
	seccomp_profile_release(&profile);
}

/* i386 has no accept() of its own: its multiplexer's number is the only one there is. */
static void a_multiplexer_alone_is_found(void)
{
	struct seccomp_profile profile = { .default_action = SECCOMP_RET_ALLOW,
					   .machines = { true, true, true } };

	seccomp_profile_add(&profile, syscall_find("accept"), EPERM_ACTION, NULL, 0);
	CHECK_INT(ask_x86(&profile, 102, 5), EPERM_ACTION);
	CHECK_INT(ask_x86(&profile, 102, 2), SECCOMP_RET_ALLOW);
	CHECK_INT(ask_x86(&profile, 1, 0), SECCOMP_RET_ALLOW);
	seccomp_profile_add(&profile, syscall_find("semop"), EPERM_ACTION, NULL, 0);
	CHECK_INT(ask_x86(&profile, 102, 5), EPERM_ACTION);
	CHECK_INT(ask_x86(&profile, 117, 1), EPERM_ACTION);
	profile.default_action = SECCOMP_RET_KILL_PROCESS;
	CHECK_INT(ask_x86(&profile, 117, 1), EPERM_ACTION);
	CHECK_INT(ask_x86(&profile, 117, 22), SECCOMP_RET_KILL_PROCESS);
	CHECK_INT(ask_x86(&profile, 118, 0), SECCOMP_RET_ERRNO | ENOSYS);
	seccomp_profile_release(&profile);
}
#else
static void a_multiplexer_is_no_way_around(void)
{
	CHECK(syscall_number(syscall_find("socketcall"), MACHINE_NATIVE) == SYSCALL_NONE);
}

static void a_multiplexer_alone_is_found(void)
{
	CHECK_INT(syscall_by_socketcall(syscall_find("accept"), MACHINE_NATIVE), 0);
}
#endif

/* --- libseccomp ------------------------------------------------------------------------------- */

static void the_table_is_libseccomps(void)
{
	for (int call = 0; call < (int)syscall_count(); call++)
		for (int m = 0; m < MACHINES; m++) {
			const char *name = syscall_name(call);
			uint32_t own = syscall_number(call, (enum machine)m);
			int theirs = seccomp_syscall_resolve_name_arch(machines[m].token, name);

			CHECK_INT(syscall_find(name), call);
			/*
			 * It ends with Linux 5.17, has another name for one of ARM's, and numbers of its own
			 * for what socketcall() and ipc() do.
			 */
			if (theirs == __NR_SCMP_ERROR || (theirs < -100 && theirs > -300) || !strcmp(name, "uretprobe") ||
			    !strcmp(name, "sync_file_range2"))
				continue;
			if (!CHECK(theirs < 0 ? own == SYSCALL_NONE : own == (uint32_t)theirs))
				fprintf(stderr, "%s on machine %d: %u, libseccomp %d\n", name, m, own, theirs);
		}
}

static void the_table_is_whole(void)
{
	for (int m = 0; m < MACHINES; m++)
		for (uint32_t n = 0; n < NUMBERS; n++) {
			char *name = seccomp_syscall_resolve_num_arch(machines[m].token,
								      (int)(n + machines[m].base));

			if (name && !CHECK(syscall_find(name) >= 0))
				fprintf(stderr, "%s is missing\n", name);
			free(name);
		}
}

static void add_to_theirs(scmp_filter_ctx theirs, const struct seccomp_profile *p, const struct call_rule *rule)
{
	static const enum scmp_compare operators[] = {
		[CALL_EQ] = SCMP_CMP_EQ, [CALL_NE] = SCMP_CMP_NE, [CALL_LT] = SCMP_CMP_LT,
		[CALL_LE] = SCMP_CMP_LE, [CALL_GT] = SCMP_CMP_GT, [CALL_GE] = SCMP_CMP_GE,
	};
	int number = seccomp_syscall_resolve_name(syscall_name(rule->call));
	struct scmp_arg_cmp list[SECCOMP_ARGUMENTS];

	for (size_t i = 0; i < rule->condition_count; i++) {
		const struct call_condition *c = &p->conditions[rule->first_condition + i];

		list[i] = (struct scmp_arg_cmp){ .arg = c->argument, .op = operators[c->comparison],
						 .datum_a = c->value };
		if (c->comparison == CALL_EQ && c->mask != UINT64_MAX)
			list[i] = (struct scmp_arg_cmp){ .arg = c->argument, .op = SCMP_CMP_MASKED_EQ,
							 .datum_a = c->mask, .datum_b = c->value };
	}
	if (number != __NR_SCMP_ERROR)
		CHECK_INT(seccomp_rule_add_array(theirs, rule->action, number, rule->condition_count, list), 0);
}

static size_t build_theirs(const struct seccomp_profile *p, struct sock_filter program[static BPF_MAXINSNS])
{
	scmp_filter_ctx theirs = seccomp_init(p->default_action);
	int fd = (int)syscall(SYS_memfd_create, "filter", 0);
	ssize_t size;

	for (int m = 0; m < MACHINES; m++)
		if (p->machines[m] && m != (int)MACHINE_NATIVE)
			CHECK_INT(seccomp_arch_add(theirs, machines[m].token), 0);
	for (size_t i = 0; i < p->rule_count; i++)
		add_to_theirs(theirs, p, &p->rules[i]);
	CHECK_INT(seccomp_export_bpf(theirs, fd), 0);
	size = pread(fd, program, BPF_MAXINSNS * sizeof(*program), 0);
	close(fd);
	seccomp_release(theirs);
	return size > 0 ? (size_t)size / sizeof(*program) : 0;
}

/*
 * The same answers for the calls that both know. But not to an int with more than 32 bits, nor to
 * socketcall() and ipc(), where ours are stricter.
 */
static void libseccomp_makes_the_same_of_it(void)
{
	static struct sock_filter program[BPF_MAXINSNS];
	struct seccomp_profile profile = docker(CAP(SYS_CHROOT), KERNEL);
	size_t size = build_theirs(&profile, program), wrong = 0;
	struct seccomp_filter filter;

	CHECK(size > 100);
	seccomp_filter_build(&filter, &profile, NULL);
	for (int m = 0; m < MACHINES; m++)
		for (uint32_t n = 0; n < 450; n++)
			for (size_t i = 0; i < VALUES && values[i] <= UINT32_MAX; i++) {
				uint64_t args[SECCOMP_ARGUMENTS] = { values[i], values[i] };
				struct seccomp_data data = { .nr = (int)(n + machines[m].base),
							     .arch = machines[m].audit, .args = { values[i], values[i] } };

				if (is_multiplexer((enum machine)m, n) || n == 335)
					continue;
				wrong += run(&filter, (enum machine)m, n + machines[m].base, args) !=
					 bpf_run(program, size, &data);
			}
	CHECK_INT(wrong, 0);
	fprintf(stderr, "instructions: %u, libseccomp's %zu\n", filter.size, size);
	seccomp_filter_release(&filter);
	seccomp_profile_release(&profile);
}

/* --- as text ---------------------------------------------------------------------------------- */

static struct seccomp_profile read_profile(const char *text, uint64_t capabilities)
{
	struct seccomp_profile profile;
	struct err err = ERR_INIT;
	json_t *json = NULL;

	CHECK_INT(json_parse(&json, text, strlen(text), "profile", &err), 0);
	if (!CHECK_INT(seccomp_profile_parse(&profile, json, capabilities, &err), 0))
		fprintf(stderr, "%s\n", err.text);
	json_decref(json);
	return profile;
}

static void dockers_files_have_conditions(void)
{
	static const char text[] =
		"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":1,\"archMap\":[{\"architecture\":\"SCMP_ARCH_X86_64\"}],"
		"\"syscalls\":[{\"names\":[\"read\",\"no_such_call\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":[],\"comment\":\"\"},"
		"{\"names\":[\"mount\"],\"action\":\"SCMP_ACT_ALLOW\",\"includes\":{\"caps\":[\"CAP_SYS_ADMIN\"]},\"excludes\":{}},"
		"{\"names\":[\"bpf\"],\"action\":\"SCMP_ACT_ALLOW\",\"excludes\":{\"caps\":[\"CAP_SYS_ADMIN\"]}},"
		"{\"names\":[\"write\"],\"action\":\"SCMP_ACT_ALLOW\",\"includes\":{\"arches\":[\"s390\"]}},"
		"{\"names\":[\"close\"],\"action\":\"SCMP_ACT_ALLOW\",\"includes\":{\"minKernel\":\"2.6\"}},"
		"{\"names\":[\"dup\"],\"action\":\"SCMP_ACT_ALLOW\",\"includes\":{\"minKernel\":\"99.0\"}}]}";
	struct seccomp_profile profile = read_profile(text, CAP(SYS_ADMIN));

	CHECK_INT(profile.rule_count, 3);
	CHECK_TEXT(syscall_name(profile.rules[1].call), "mount");
	CHECK(profile.machines[MACHINES - 1]);
	CHECK_INT(profile.flags, SECCOMP_FILTER_FLAG_SPEC_ALLOW);
	seccomp_profile_release(&profile);
	profile = read_profile(text, 0);
	CHECK_INT(profile.rule_count, 3);
	CHECK_TEXT(syscall_name(profile.rules[1].call), "bpf");
	CHECK_TEXT(syscall_name(profile.rules[2].call), "close");
	seccomp_profile_release(&profile);
}

static void two_conditions_on_one_argument_are_two_rules(void)
{
	struct seccomp_profile profile = read_profile(
		"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"flags\":[],\"syscalls\":[{\"names\":[\"kill\"],"
		"\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":5,\"args\":[{\"index\":1,\"value\":9,\"op\":\"SCMP_CMP_EQ\"},"
		"{\"index\":1,\"value\":-1,\"op\":\"SCMP_CMP_EQ\"}]}]}", 0);

	CHECK_INT(profile.rule_count, 2);
	CHECK_INT(profile.rules[0].action, SECCOMP_RET_ERRNO | 5);
	CHECK(profile.conditions[1].value == UINT64_MAX);
	CHECK_INT(profile.flags, 0);
	compare_with_meaning(&profile);
	seccomp_profile_release(&profile);
}

int main(void)
{
	RUN(the_table_is_libseccomps);
	RUN(the_table_is_whole);
	RUN(dockers_profile_is_what_it_says);
	RUN(any_profile_is_what_it_says);
	RUN(a_profile_without_rules_has_one_answer);
	RUN(too_large_a_profile_is_refused);
	RUN(apps_cannot_leave);
	RUN(capabilities_open_what_belongs_to_them);
	RUN(newer_calls_are_unknown);
	RUN(an_int_has_32_bits);
	RUN(other_machines_calls_end_the_thread);
	RUN(a_multiplexer_is_no_way_around);
	RUN(a_multiplexer_alone_is_found);
	RUN(libseccomp_makes_the_same_of_it);
	RUN(dockers_files_have_conditions);
	RUN(two_conditions_on_one_argument_are_two_rules);
	return test_end();
}
