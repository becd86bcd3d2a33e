#include "agent/run/device_filter.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/fd.h"

/* Registers: the context, and what is taken out of it. R0 is the answer. */
#define CONTEXT BPF_REG_1
#define TYPE BPF_REG_2
#define ACCESS BPF_REG_3
#define MAJOR BPF_REG_4
#define MINOR BPF_REG_5
#define SCRATCH BPF_REG_6

#define PROGRAMS_MAX 64 /* the kernel's own limit for one cgroup */

#define ALL_ACCESS (BPF_DEVCG_ACC_MKNOD | BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE)

static struct bpf_insn load(int to, int offset)
{
	return (struct bpf_insn){ .code = BPF_LDX | BPF_MEM | BPF_W,
				  .dst_reg = (uint8_t)to & 15,
				  .src_reg = CONTEXT,
				  .off = (int16_t)offset };
}

static struct bpf_insn alu(int operation, int reg, int value)
{
	return (struct bpf_insn){ .code = (uint8_t)(BPF_ALU64 | BPF_K | operation),
				  .dst_reg = (uint8_t)reg & 15,
				  .imm = value };
}

static struct bpf_insn copy(int to, int from)
{
	return (struct bpf_insn){ .code = BPF_ALU64 | BPF_MOV | BPF_X,
				  .dst_reg = (uint8_t)to & 15,
				  .src_reg = (uint8_t)from & 15 };
}

/* Jumps when `reg` compares so; where to is filled in at the end of the rule. */
static struct bpf_insn jump(int comparison, int reg, int value)
{
	return (struct bpf_insn){ .code = (uint8_t)(BPF_JMP | BPF_K | comparison),
				  .dst_reg = (uint8_t)reg & 15,
				  .imm = value };
}

static size_t answer(struct bpf_insn *out, bool allow)
{
	out[0] = alu(BPF_MOV, BPF_REG_0, allow);
	out[1] = (struct bpf_insn){ .code = BPF_JMP | BPF_EXIT };
	return 2;
}

static int access_mask(const char *access)
{
	return (strchr(access, 'r') ? BPF_DEVCG_ACC_READ : 0) |
	       (strchr(access, 'w') ? BPF_DEVCG_ACC_WRITE : 0) |
	       (strchr(access, 'm') ? BPF_DEVCG_ACC_MKNOD : 0);
}

/* An allowing rule must cover all that is wanted; a denying one bites when it covers some of it. */
static size_t check_access(struct bpf_insn *out, const struct device_rule *rule)
{
	int mask = access_mask(rule->access);

	if (mask == ALL_ACCESS)
		return 0;
	out[0] = copy(SCRATCH, ACCESS);
	out[1] = alu(BPF_AND, SCRATCH, rule->allow ? ALL_ACCESS & ~mask : mask);
	out[2] = jump(rule->allow ? BPF_JNE : BPF_JEQ, SCRATCH, 0);
	return 3;
}

static size_t build_rule(struct bpf_insn *out, const struct device_rule *rule)
{
	size_t n = 0;

	out[n++] =
		jump(BPF_JNE, TYPE, rule->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
	if (rule->major >= 0)
		out[n++] = jump(BPF_JNE, MAJOR, (int)rule->major);
	if (rule->minor >= 0)
		out[n++] = jump(BPF_JNE, MINOR, (int)rule->minor);
	n += check_access(out + n, rule);
	n += answer(out + n, rule->allow);
	for (size_t i = 0; i < n; i++)
		if (BPF_CLASS(out[i].code) == BPF_JMP && BPF_OP(out[i].code) != BPF_EXIT)
			out[i].off = (int16_t)(n - i - 1);
	return n;
}

size_t device_filter_build(struct bpf_insn *program, const struct device_rule *rules, size_t count)
{
	size_t n = 0;
	bool otherwise = true;

	/* access_type holds the type in its lower half, what is wanted in its upper one. */
	program[n++] = load(TYPE, offsetof(struct bpf_cgroup_dev_ctx, access_type));
	program[n++] = copy(ACCESS, TYPE);
	program[n++] = alu(BPF_AND, TYPE, 0xffff);
	program[n++] = alu(BPF_RSH, ACCESS, 16);
	program[n++] = load(MAJOR, offsetof(struct bpf_cgroup_dev_ctx, major));
	program[n++] = load(MINOR, offsetof(struct bpf_cgroup_dev_ctx, minor));
	while (count-- > 0) {
		if (rules[count].type == 'a') {
			otherwise = rules[count].allow; /* what came before it never counts */
			break;
		}
		n += build_rule(program + n, &rules[count]);
	}
	return n + answer(program + n, otherwise);
}

static int bpf(int command, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static int load_program(const struct bpf_insn *program, size_t count)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	attr.insns = (uintptr_t)program;
	attr.insn_cnt = (uint32_t)count;
	attr.license = (uintptr_t)"GPL"; /* the kernel's question, for helpers we do not call */
	return bpf(BPF_PROG_LOAD, &attr);
}

static int attach_program(int dir, int program)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.target_fd = (uint32_t)dir;
	attr.attach_bpf_fd = (uint32_t)program;
	attr.attach_type = BPF_CGROUP_DEVICE;
	attr.attach_flags = BPF_F_ALLOW_MULTI;
	return bpf(BPF_PROG_ATTACH, &attr);
}

/* Of the programs at this cgroup itself, at most `max`. */
static size_t list_programs(int dir, uint32_t *ids, size_t max)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.query.target_fd = (uint32_t)dir;
	attr.query.attach_type = BPF_CGROUP_DEVICE;
	attr.query.prog_ids = (uintptr_t)ids;
	attr.query.prog_cnt = (uint32_t)max;
	return bpf(BPF_PROG_QUERY, &attr) < 0 ? 0 : attr.query.prog_cnt;
}

static int detach_program(int dir, uint32_t id)
{
	FD_CLEANUP int program = -1;
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_id = id;
	program = bpf(BPF_PROG_GET_FD_BY_ID, &attr);
	if (program < 0)
		return -errno;
	memset(&attr, 0, sizeof(attr));
	attr.target_fd = (uint32_t)dir;
	attr.attach_bpf_fd = (uint32_t)program;
	attr.attach_type = BPF_CGROUP_DEVICE;
	return bpf(BPF_PROG_DETACH, &attr) < 0 ? -errno : 0;
}

int device_filter_attach(const char *cgroup_dir, const struct device_rule *rules, size_t count,
			 struct err *err)
{
	FREE_CLEANUP struct bpf_insn *program =
		xcalloc(DEVICE_FILTER_FIXED + count * DEVICE_FILTER_PER_RULE, sizeof(*program));
	FD_CLEANUP int dir = open(cgroup_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	FD_CLEANUP int fd = -1;
	uint32_t old[PROGRAMS_MAX];
	size_t old_count;

	if (dir < 0)
		return err_sys(err, "open %s", cgroup_dir);
	old_count = list_programs(dir, old, PROGRAMS_MAX);
	fd = load_program(program, device_filter_build(program, rules, count));
	if (fd < 0)
		return err_sys(err,
			       "load the device filter (the kernel needs CONFIG_CGROUP_BPF and "
			       "CONFIG_BPF_SYSCALL for device rules on cgroup v2)");
	if (attach_program(dir, fd) < 0)
		return err_sys(err, "attach the device filter to %s", cgroup_dir);
	/* All of them must allow: until the old ones are gone the stricter one counts. */
	for (size_t i = 0; i < old_count; i++)
		if (detach_program(dir, old[i]) < 0)
			return err_sys(err, "detach the former device filter from %s", cgroup_dir);
	return 0;
}
