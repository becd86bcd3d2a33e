#include "agent/run/seccomp_filter.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

#define FIELD(name) ((uint32_t)offsetof(struct seccomp_data, name))
/* All machines are little-endian: the lower half comes first. */
#define ARGUMENT(n) (FIELD(args) + 8 * (uint32_t)(n))

#define JUMP_MAX 254 /* 255 is what fits: one instruction more may come between */
#define SHARED_MAX 8
#define SLOTS 1024

#define OWN 0xf0000u /* where ARM's own calls begin, far behind those that others have, too */

#define BAD_MACHINE SECCOMP_RET_KILL_THREAD /* as libseccomp */

/* A call's number, and a rule that says something about it. */
struct cell {
	uint32_t number;
	uint32_t rule;
	uint16_t selector;	/* the first argument of socketcall() or ipc() that it is for */
	uint16_t selector_mask; /* 0: none */
};

/* The largest numbers that a profile names; 0: none. */
struct named {
	uint32_t common;
	uint32_t own; /* of those from OWN on */
};

/* From `start` to the next range's. */
struct range {
	uint32_t start;
	uint32_t action;
	const struct cell *cells; /* conditional rules of this one number; NULL: just the action */
	size_t count;
};

/*
 * Programs only jump forward. So they are put together from their end: all that an instruction
 * can jump to is there when it is written. A label counts from the end, too.
 */
typedef unsigned int label;

/* An instruction that returns an action, to be jumped to by many. */
struct shared {
	uint32_t action;
	label at;
};

struct builder {
	const struct seccomp_profile *profile;
	struct sock_filter code[BPF_MAXINSNS];
	label size; /* instructions so far, at the end of `code` */
	bool is_full;
	struct shared shared[SHARED_MAX]; /* the last ones */
	unsigned int next_shared;
	bool is_narrow; /* a 32-bit machine's arguments */
	struct cell *cells, *unsorted;
	size_t cell_count;
	struct range *ranges;
	size_t range_count;
};

/* --- instructions ----------------------------------------------------------------------------- */

static label put(struct builder *builder, struct sock_filter instruction)
{
	if (builder->size == BPF_MAXINSNS) {
		builder->is_full = true;
		return builder->size;
	}
	builder->code[BPF_MAXINSNS - ++builder->size] = instruction;
	return builder->size;
}

static label load(struct builder *builder, uint32_t offset)
{
	return put(builder, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset));
}

static label jump(struct builder *builder, label to)
{
	return put(builder, (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, builder->size - to));
}

/* A label that conditional jumps reach. */
static label near(struct builder *builder, label to)
{
	return builder->size - to <= JUMP_MAX ? to : jump(builder, to);
}

static label branch(struct builder *builder, uint16_t comparison, uint32_t value, label if_true,
		    label if_false)
{
	if_true = near(builder, if_true);
	if_false = near(builder, if_false);
	return put(builder, (struct sock_filter)BPF_JUMP(BPF_JMP | comparison | BPF_K, value,
							 builder->size - if_true,
							 builder->size - if_false));
}

static label finish(struct builder *builder, uint32_t action)
{
	struct shared *shared = builder->shared;

	for (size_t i = 0; i < SHARED_MAX; i++)
		if (shared[i].at && shared[i].action == action &&
		    builder->size - shared[i].at <= JUMP_MAX)
			return shared[i].at;
	shared += builder->next_shared++ % SHARED_MAX;
	shared->action = action;
	shared->at = put(builder, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
	return shared->at;
}

/* --- conditions ------------------------------------------------------------------------------- */

static label load_masked(struct builder *builder, uint32_t offset, uint32_t mask)
{
	if (mask != UINT32_MAX)
		put(builder, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask));
	return load(builder, offset);
}

static label add_comparison(struct builder *builder, const struct call_condition *condition,
			    uint16_t comparison, label if_true, label if_false)
{
	uint32_t offset = ARGUMENT(condition->argument), mask = (uint32_t)(condition->mask >> 32);
	uint32_t upper = (uint32_t)(condition->value >> 32);
	label at;

	at = branch(builder, comparison, (uint32_t)condition->value, if_true, if_false);
	at = load_masked(builder, offset, (uint32_t)condition->mask);
	if (builder->is_narrow || !mask)
		return at;
	/* The upper halves decide unless they are equal. */
	at = branch(builder, BPF_JEQ, upper, at, if_false);
	if (comparison != BPF_JEQ)
		at = branch(builder, BPF_JGT, upper, if_true, at);
	return load_masked(builder, offset + 4, mask);
}

static label add_condition(struct builder *builder, const struct call_condition *condition,
			   label if_true, label if_false)
{
	switch ((enum call_comparison)condition->comparison) {
	case CALL_EQ:
		return add_comparison(builder, condition, BPF_JEQ, if_true, if_false);
	case CALL_NE:
		return add_comparison(builder, condition, BPF_JEQ, if_false, if_true);
	case CALL_GT:
		return add_comparison(builder, condition, BPF_JGT, if_true, if_false);
	case CALL_LE:
		return add_comparison(builder, condition, BPF_JGT, if_false, if_true);
	case CALL_GE:
		return add_comparison(builder, condition, BPF_JGE, if_true, if_false);
	case CALL_LT:
		return add_comparison(builder, condition, BPF_JGE, if_false, if_true);
	}
	return if_false;
}

static label add_rule(struct builder *builder, const struct cell *cell, label if_not)
{
	const struct call_rule *rule = &builder->profile->rules[cell->rule];
	label at = finish(builder, rule->action);

	if (cell->selector_mask) {
		const struct call_condition is_selected = {
			.mask = cell->selector_mask, .value = cell->selector,
		};

		return add_condition(builder, &is_selected, at, if_not);
	}
	for (size_t i = rule->first_condition + rule->condition_count; i > rule->first_condition; i--)
		at = add_condition(builder, &builder->profile->conditions[i - 1], at, if_not);
	return at;
}

/* The first one that fits. */
static label add_rules(struct builder *builder, const struct range *range)
{
	label at = finish(builder, range->action);

	for (size_t i = range->count; i > 0; i--)
		at = add_rule(builder, &range->cells[i - 1], at);
	return at;
}

/* --- the search ------------------------------------------------------------------------------- */

static label add_search(struct builder *builder, size_t low, size_t high)
{
	size_t middle = (low + high) / 2;
	label below, above;

	if (high - low == 1)
		return add_rules(builder, &builder->ranges[low]);
	above = add_search(builder, middle, high);
	below = add_search(builder, low, middle);
	return branch(builder, BPF_JGE, builder->ranges[middle].start, above, below);
}

static void add_range(struct builder *builder, const struct range *range)
{
	const struct range *last = &builder->ranges[builder->range_count];

	if (builder->range_count && !range->count && !last[-1].count &&
	    last[-1].action == range->action)
		return;
	builder->ranges[builder->range_count++] = *range;
}

static void add_plain_range(struct builder *builder, uint32_t start, uint32_t action)
{
	add_range(builder, &(struct range){ .start = start, .action = action });
}

static bool is_unconditional(const struct builder *builder, const struct cell *cell)
{
	return !cell->selector_mask && !builder->profile->rules[cell->rule].condition_count;
}

/* All that is said about one number. */
static void add_number(struct builder *builder, const struct cell *cells, size_t count)
{
	struct range range = {
		.start = cells->number,
		.action = builder->profile->default_action,
		.cells = cells,
		.count = count,
	};

	for (size_t i = 0; i < count; i++)
		if (is_unconditional(builder, &cells[i])) {
			range.action = builder->profile->rules[cells[i].rule].action;
			range.count = 0;
			break;
		}
	add_range(builder, &range);
}

/* --- cells ------------------------------------------------------------------------------------ */

static void add_cell(struct builder *builder, struct cell cell)
{
	builder->cells[builder->cell_count++] = cell;
}

/*
 * The other way to the same call. Its arguments are in memory there, where no filter sees them: a
 * rule with conditions gives nothing, and refuses all of it.
 */
static void add_multiplexed(struct builder *builder, size_t index, enum machine machine)
{
	const struct call_rule *rule = &builder->profile->rules[index];
	unsigned int by_socketcall = syscall_by_socketcall(rule->call, machine);
	unsigned int by_ipc = syscall_by_ipc(rule->call, machine);
	bool refuses = (int32_t)rule->action < (int32_t)builder->profile->default_action;

	if (rule->condition_count && !refuses)
		return;
	if (by_socketcall)
		add_cell(builder, (struct cell){
					  .number = syscall_number(syscall_find("socketcall"), machine),
					  .rule = (uint32_t)index,
					  .selector = (uint16_t)by_socketcall,
					  .selector_mask = UINT16_MAX,
				  });
	/* Above the selector ipc() has a version. */
	if (by_ipc)
		add_cell(builder, (struct cell){
					  .number = syscall_number(syscall_find("ipc"), machine),
					  .rule = (uint32_t)index,
					  .selector = (uint16_t)by_ipc,
					  .selector_mask = UINT16_MAX,
				  });
}

/* By number: ARM's own at the end, x32's without its bit. */
static unsigned int slot_of(uint32_t number)
{
	number &= ~SYSCALL_X32;
	return number < SLOTS - 16 ? number : SLOTS - 16 + (number & 15);
}

/* By counting, which keeps the order of rules; a general sort takes ten times as long. */
static void sort_cells(struct builder *builder, size_t first)
{
	struct cell *cells = builder->cells + first;
	size_t count = builder->cell_count - first;
	unsigned int begin[SLOTS + 1] = { 0 };

	memcpy(builder->unsorted, cells, count * sizeof(*cells));
	for (size_t i = 0; i < count; i++)
		begin[slot_of(cells[i].number) + 1]++;
	for (size_t i = 0; i < SLOTS; i++)
		begin[i + 1] += begin[i];
	for (size_t i = 0; i < count; i++)
		cells[begin[slot_of(builder->unsorted[i].number)]++] = builder->unsorted[i];
}

static bool is_own(uint32_t number)
{
	return (number & ~SYSCALL_X32) >= OWN;
}

static void add_named(struct named *named, uint32_t number)
{
	uint32_t *last = is_own(number) ? &named->own : &named->common;

	if (number > *last)
		*last = number;
}

/* The cells of one machine behind those that are there. A multiplexer's number is named, too. */
static struct named add_cells(struct builder *builder, enum machine machine)
{
	const struct seccomp_profile *profile = builder->profile;
	size_t first = builder->cell_count;
	struct named named = { 0 };

	for (size_t i = 0; i < profile->rule_count; i++) {
		uint32_t number = syscall_number(profile->rules[i].call, machine);

		if (number != SYSCALL_NONE)
			add_named(&named, number);
		/* As runc: what is the default anyway is no rule. */
		if (profile->rules[i].action == profile->default_action)
			continue;
		if (number != SYSCALL_NONE)
			add_cell(builder, (struct cell){ .number = number, .rule = (uint32_t)i });
		add_multiplexed(builder, i, machine);
	}
	sort_cells(builder, first);
	for (size_t i = first; i < builder->cell_count; i++)
		add_named(&named, builder->cells[i].number);
	return named;
}

/* --- machines --------------------------------------------------------------------------------- */

/* Past the last call that the profile's author knew. */
static uint32_t unknown_action(const struct seccomp_profile *profile)
{
	switch (profile->default_action & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
	case SECCOMP_RET_LOG:
	case SECCOMP_RET_TRACE:
		return profile->default_action;
	}
	return SECCOMP_RET_ERRNO | ENOSYS;
}

/* The ranges of the cells from `cells` to `end`, from the number `base` on; `last` is named. */
static void add_ranges(struct builder *builder, const struct cell *cells, const struct cell *end,
		       uint32_t base, uint32_t last)
{
	const struct cell *next;
	uint32_t after = base;

	for (; cells < end; cells = next) {
		for (next = cells; next < end && next->number == cells->number;)
			next++;
		if (cells->number > after)
			add_plain_range(builder, after, builder->profile->default_action);
		add_number(builder, cells, (size_t)(next - cells));
		after = cells->number + 1;
	}
	if (after <= last || !builder->profile->rule_count)
		add_plain_range(builder, after, builder->profile->default_action);
	if (builder->profile->rule_count)
		add_plain_range(builder, last < base ? base : last + 1,
				unknown_action(builder->profile));
}

/* All of one machine's, from the number `base` on. What is between common and own is unknown. */
static void add_machine(struct builder *builder, enum machine machine, uint32_t base)
{
	const struct cell *cells = builder->cells + builder->cell_count, *end, *own;
	struct named named = add_cells(builder, machine);

	end = builder->cells + builder->cell_count;
	for (own = end; own > cells && is_own(own[-1].number);)
		own--;
	add_ranges(builder, cells, own, base, named.common);
	if (named.own)
		add_ranges(builder, own, end, OWN, named.own);
}

#if defined(__x86_64__)

static const struct {
	uint32_t audit;
	enum machine machine;
} families[] = {
	{ AUDIT_ARCH_X86_64, MACHINE_X86_64 },
	{ AUDIT_ARCH_I386, MACHINE_X86 },
};

/* x32 shares the audit number, and has its calls where the others end. */
static void add_rest(struct builder *builder, enum machine machine)
{
	if (machine != MACHINE_X86_64)
		return;
	if (builder->profile->machines[MACHINE_X32]) {
		add_machine(builder, MACHINE_X32, SYSCALL_X32);
		return;
	}
	add_plain_range(builder, SYSCALL_X32, BAD_MACHINE);
	/* With -1 a tracer skips a call (seccomp(2)). */
	add_plain_range(builder, UINT32_MAX, unknown_action(builder->profile));
}

static bool is_narrow(enum machine machine)
{
	return machine == MACHINE_X86;
}

#else

static const struct {
	uint32_t audit;
	enum machine machine;
} families[] = {
	{ AUDIT_ARCH_AARCH64, MACHINE_AARCH64 },
	{ AUDIT_ARCH_ARM, MACHINE_ARM },
};

static void add_rest(struct builder *builder, enum machine machine)
{
	(void)builder, (void)machine;
}

static bool is_narrow(enum machine machine)
{
	return machine == MACHINE_ARM;
}

#endif

static label add_family(struct builder *builder, uint32_t audit, enum machine machine,
			label if_another)
{
	label search;

	if (!builder->profile->machines[machine])
		return if_another;
	builder->is_narrow = is_narrow(machine);
	builder->cell_count = builder->range_count = 0;
	add_machine(builder, machine, 0);
	add_rest(builder, machine);
	search = add_search(builder, 0, builder->range_count);
	if (search != builder->size)
		jump(builder, search); /* all calls have one action, which is not here but shared */
	return branch(builder, BPF_JEQ, audit, load(builder, FIELD(nr)), if_another);
}

/* What is asked first is written last. */
static void add_all(struct builder *builder)
{
	label at = finish(builder, BAD_MACHINE);

	for (size_t i = sizeof(families) / sizeof(*families); i > 0; i--)
		at = add_family(builder, families[i - 1].audit, families[i - 1].machine, at);
	load(builder, FIELD(arch));
}

int seccomp_filter_build(struct seccomp_filter *filter, const struct seccomp_profile *profile,
			 struct err *err)
{
	/* Each rule twice for two machines of a family, or for a call and its multiplexer. */
	size_t cells = 2 * profile->rule_count + 1;
	struct builder *builder = xcalloc(1, sizeof(*builder));
	int rc = 0;

	builder->profile = profile;
	builder->cells = xcalloc(cells, sizeof(*builder->cells));
	builder->unsorted = xcalloc(cells, sizeof(*builder->unsorted));
	builder->ranges = xcalloc(2 * cells + 8, sizeof(*builder->ranges));
	add_all(builder);
	*filter = (struct seccomp_filter){ 0 };
	if (builder->is_full) {
		rc = err_set(err, -E2BIG,
			     "the seccomp profile makes a filter of more than %d instructions",
			     BPF_MAXINSNS);
	} else {
		filter->size = (unsigned short)builder->size;
		filter->instructions = xmalloc(filter->size * sizeof(*filter->instructions));
		memcpy(filter->instructions, builder->code + BPF_MAXINSNS - builder->size,
		       filter->size * sizeof(*filter->instructions));
	}
	free(builder->cells);
	free(builder->unsorted);
	free(builder->ranges);
	free(builder);
	return rc;
}

void seccomp_filter_release(struct seccomp_filter *filter)
{
	free(filter->instructions);
	*filter = (struct seccomp_filter){ 0 };
}
