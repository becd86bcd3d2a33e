#include "tests/unit/test.h"

#include <stdint.h>

#include "agent/run/device_filter.h"

#define RULES_MAX 8

/*
 * As much of the kernel's interpreter as the filter uses; -1: a program that the verifier would
 * refuse.
 */
static int interpret(const struct bpf_insn *program, size_t count,
		     const struct bpf_cgroup_dev_ctx *context)
{
	uint64_t r[11] = { 0 };

	for (size_t i = 0; i < count; i++) {
		const struct bpf_insn *in = &program[i];
		uint64_t *dst = &r[in->dst_reg];

		switch (in->code) {
		case BPF_LDX | BPF_MEM | BPF_W:
			*dst = *(const uint32_t *)(const void *)((const char *)context + in->off);
			break;
		case BPF_ALU64 | BPF_MOV | BPF_X:
			*dst = r[in->src_reg];
			break;
		case BPF_ALU64 | BPF_MOV | BPF_K:
			*dst = (uint64_t)in->imm;
			break;
		case BPF_ALU64 | BPF_AND | BPF_K:
			*dst &= (uint64_t)in->imm;
			break;
		case BPF_ALU64 | BPF_RSH | BPF_K:
			*dst >>= in->imm;
			break;
		case BPF_JMP | BPF_JNE | BPF_K:
			i += *dst != (uint64_t)in->imm ? (size_t)in->off : 0;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
			i += *dst == (uint64_t)in->imm ? (size_t)in->off : 0;
			break;
		case BPF_JMP | BPF_EXIT:
			return (int)r[0];
		default:
			return -1;
		}
	}
	return -1;
}

/* "c 1:3 rw" against rules, as in the texts of v1's devices.allow. */
static int ask(const struct device_rule *rules, size_t count, char type, uint32_t major,
	       uint32_t minor, const char *access)
{
	struct bpf_insn program[DEVICE_FILTER_FIXED + RULES_MAX * DEVICE_FILTER_PER_RULE];
	uint32_t wanted = (strchr(access, 'm') ? BPF_DEVCG_ACC_MKNOD : 0) |
			  (strchr(access, 'r') ? BPF_DEVCG_ACC_READ : 0) |
			  (strchr(access, 'w') ? BPF_DEVCG_ACC_WRITE : 0);
	struct bpf_cgroup_dev_ctx context = {
		.access_type = wanted << 16 |
			       (type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR),
		.major = major,
		.minor = minor,
	};
	size_t size = device_filter_build(program, rules, count);

	CHECK(size <= DEVICE_FILTER_FIXED + count * DEVICE_FILTER_PER_RULE);
	return interpret(program, size, &context);
}

static void without_rules_all_is_allowed(void)
{
	CHECK_INT(ask(NULL, 0, 'b', 8, 0, "rwm"), 1);
}

static void what_is_not_named_is_denied(void)
{
	static const struct device_rule rules[] = {
		{ false, 'a', -1, -1, "rwm" },
		{ true, 'c', 1, 3, "rw" },
		{ true, 'c', 136, -1, "rwm" },
		{ true, 'b', -1, 7, "m" },
	};

	CHECK_INT(ask(rules, 4, 'c', 1, 3, "r"), 1);
	CHECK_INT(ask(rules, 4, 'c', 1, 3, "rw"), 1);
	CHECK_INT(ask(rules, 4, 'c', 1, 3, "m"), 0);
	CHECK_INT(ask(rules, 4, 'c', 1, 3, "rm"), 0);
	CHECK_INT(ask(rules, 4, 'b', 1, 3, "r"), 0);
	CHECK_INT(ask(rules, 4, 'c', 1, 5, "r"), 0);
	CHECK_INT(ask(rules, 4, 'c', 136, 99, "rwm"), 1);
	CHECK_INT(ask(rules, 4, 'b', 200, 7, "m"), 1);
	CHECK_INT(ask(rules, 4, 'b', 200, 7, "r"), 0);
}

static void the_last_rule_decides(void)
{
	static const struct device_rule rules[] = {
		{ true, 'c', 1, 3, "rwm" },
		{ false, 'a', -1, -1, "rwm" },
		{ true, 'c', 5, -1, "rwm" },
		{ false, 'c', 5, 1, "w" },
	};

	CHECK_INT(ask(rules, 4, 'c', 1, 3, "r"), 0);
	CHECK_INT(ask(rules, 4, 'c', 5, 1, "r"), 1);
	CHECK_INT(ask(rules, 4, 'c', 5, 1, "rw"), 0);
	CHECK_INT(ask(rules, 4, 'c', 5, 2, "rw"), 1);
	CHECK_INT(ask(rules, 1, 'c', 1, 3, "r"), 1);
	CHECK_INT(ask(rules, 1, 'b', 1, 3, "r"), 1);
}

static void large_numbers_compare(void)
{
	static const struct device_rule rules[] = {
		{ false, 'a', -1, -1, "rwm" },
		{ true, 'c', 0x7fffffff, 0, "rwm" },
	};

	CHECK_INT(ask(rules, 2, 'c', 0x7fffffff, 0, "r"), 1);
	CHECK_INT(ask(rules, 2, 'c', 0x7ffffffe, 0, "r"), 0);
}

int main(void)
{
	RUN(without_rules_all_is_allowed);
	RUN(what_is_not_named_is_denied);
	RUN(the_last_rule_decides);
	RUN(large_numbers_compare);
	return test_end();
}
